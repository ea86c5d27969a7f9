export default function Page() {
  return <p>A carrier.</p>;
}
