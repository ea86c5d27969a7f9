// Runs a function of vercel/ in what `vercel dev` starts for each: argv names its file.
process.env.VERCEL_DEV_ENTRYPOINT = process.argv[2];
process.send = ({ port }) => console.log(`listening on http://127.0.0.1:${port}/tasks`);
await import(process.argv[3]);
