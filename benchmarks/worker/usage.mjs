/** Says how much CPU this process has used, whenever it is asked. */
export function answerUsage() {
  process.on("message", () => {
    const { user, system } = process.cpuUsage();
    process.send?.({ cpuMs: (user + system) / 1000 });
  });
}
