// A vitest reporter that prints each skipped test: its title says why it was skipped.
export default class SkipReporter {
  onTestRunEnd(modules) {
    for (const module of modules) {
      for (const test of module.children.allTests("skipped")) console.log(`skipped: ${test.fullName}`);
    }
  }
}
