import { createRequire } from "node:module";

export const TEMPLATES = ["node", "lambda", "hono", "nextjs", "worker"] as const;
export type Template = (typeof TEMPLATES)[number];

const own = createRequire(import.meta.url)("../../package.json") as {
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
};

/** What templates want of others: the versions that they are tested with. */
export const VERSIONS = {
  "@hono/node-server": "2.1.9",
  "@types/node": "20.19.43",
  "@types/react": "19.3.0",
  esbuild: "0.28.2",
  hono: "4.13.19",
  next: "16.4.6",
  react: "19.3.1",
  "react-dom": "19.3.1",
  typescript: "7.0.2",
  zod: "4.6.7",
} as const;

type Known = keyof typeof VERSIONS | `@durable-workflow/${string}` | "tsx";

interface TemplateManifest {
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies: readonly Known[];
  readonly devDependencies: readonly Known[];
}

const COMMAND: readonly Known[] = ["@durable-workflow/carrier-cli"];
const TOOLS: readonly Known[] = ["tsx", "typescript", "@types/node"];
const TEST = "node --import tsx --test";

const MANIFESTS: Readonly<Record<Template, TemplateManifest>> = {
  node: {
    scripts: {
      dev: "dw-carrier dev activities.ts --watch",
      start: "tsx --env-file=.env server.ts",
      test: `${TEST} activities.test.ts`,
      typecheck: "tsc",
    },
    dependencies: ["@durable-workflow/carrier", "tsx", "zod"],
    devDependencies: [...COMMAND, "typescript", "@types/node"],
  },
  lambda: {
    scripts: {
      dev: "dw-carrier dev activities.ts --watch",
      start: "dw-carrier serve activities.ts",
      build: "esbuild index.ts --bundle --minify --platform=node --target=node22 --format=esm --outfile=dist/index.mjs",
      test: `${TEST} activities.test.ts index.test.ts`,
      typecheck: "tsc",
    },
    dependencies: ["@durable-workflow/carrier", "zod"],
    devDependencies: [...COMMAND, "esbuild", ...TOOLS],
  },
  hono: {
    scripts: {
      dev: "tsx watch --env-file=.env server.ts",
      engine: "dw-carrier dev http://127.0.0.1:8787/tasks",
      start: "tsx --env-file=.env server.ts",
      test: `${TEST} activities.test.ts app.test.ts`,
      typecheck: "tsc",
    },
    dependencies: ["@durable-workflow/carrier", "@hono/node-server", "hono", "tsx", "zod"],
    devDependencies: [...COMMAND, "typescript", "@types/node"],
  },
  nextjs: {
    scripts: {
      dev: "next dev",
      engine: "dw-carrier dev http://127.0.0.1:3000/tasks",
      build: "next build",
      start: "next start",
      test: `${TEST} activities.test.ts route.test.ts`,
      typecheck: "tsc",
    },
    dependencies: ["@durable-workflow/carrier", "next", "react", "react-dom", "zod"],
    devDependencies: [...COMMAND, ...TOOLS, "@types/react"],
  },
  worker: {
    scripts: {
      engine: "dw-carrier engine",
      dev: "tsx watch worker.ts",
      start: "tsx worker.ts",
      greet: "tsx start.ts",
      test: `${TEST} activities.test.ts`,
      typecheck: "tsc",
    },
    dependencies: ["@durable-workflow/carrier", "@durable-workflow/client", "@durable-workflow/worker", "tsx", "zod"],
    devDependencies: [...COMMAND, "typescript", "@types/node"],
  },
};

/** Templates of carriers, whose tasks come with a token. */
export function wantsToken(template: Template): boolean {
  return template !== "worker";
}

/** The package.json of a folder that a template makes. */
export function manifestText(template: Template, name: string): string {
  const { scripts, dependencies, devDependencies } = MANIFESTS[template];
  const document = {
    name,
    version: "0.0.0",
    private: true,
    type: "module",
    engines: { node: ">=20.19" },
    scripts,
    dependencies: ranges(dependencies),
    devDependencies: ranges(devDependencies),
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

function ranges(names: readonly Known[]): Readonly<Record<string, string>> {
  return Object.fromEntries(names.toSorted().map((name) => [name, `^${versionOf(name)}`]));
}

function versionOf(name: Known): string {
  if (name in VERSIONS) return VERSIONS[name as keyof typeof VERSIONS];
  // The packages of this project are released together.
  return name.startsWith("@durable-workflow/") ? own.version : (own.dependencies[name] ?? own.version);
}
