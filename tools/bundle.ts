/**
 * Bundles one app (run from its folder) into single files with everything that they import: `dist/main.mjs`
 * and the health probe of a service, or the entry points that its package.json names under `entries`.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { build, type Plugin } from "esbuild";

const root = join(import.meta.dirname, "..");
const app = process.cwd();
const manifest = JSON.parse(readFileSync(join(app, "package.json"), "utf8")) as {
  entries?: Record<string, string>;
};

/** `ssh2` and the BuildKit session code of docker-modem are never used here and bring native code. */
const leaveOutUnused: Plugin = {
  name: "leave-out-unused",
  setup(build) {
    build.onResolve({ filter: /^(ssh2|@grpc\/grpc-js|@grpc\/proto-loader)$/ }, ({ path }) => ({
      path,
      namespace: "unused",
    }));
    build.onLoad({ filter: /.*/, namespace: "unused" }, () => ({
      contents: "module.exports = {};",
      loader: "js",
    }));
  },
};

/** http-proxy 1.18 still calls the deprecated `util._extend` (DEP0060). */
const withoutDeprecatedExtend: Plugin = {
  name: "without-deprecated-extend",
  setup(build) {
    build.onLoad({ filter: /node_modules\/http-proxy\/lib\/.*\.js$/ }, ({ path }) => ({
      contents: readFileSync(path, "utf8").replace(/require\(['"]util['"]\)\._extend/g, "Object.assign"),
      loader: "js",
    }));
  },
};

const entryPoints = manifest.entries ?? { main: "src/main.ts" };
for (const [name, path] of Object.entries(entryPoints)) {
  if (!existsSync(join(app, path)) && !existsSync(path)) throw new Error(`entry ${name} is missing: ${path}`);
}

// Whoever has a main is a service, and a service has a health check.
if ("main" in entryPoints) {
  await build({
    entryPoints: { health: join(root, "libs/service-kit/src/health-probe.ts") },
    outdir: join(app, "dist"),
    outExtension: { ".js": ".cjs" },
    bundle: true,
    platform: "node",
    format: "cjs",
    target: "node24",
  });
}

await build({
  absWorkingDir: app,
  entryPoints,
  outdir: "dist",
  outExtension: { ".js": ".mjs" },
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node24",
  conditions: ["@claws/source"],
  legalComments: "none",
  minifySyntax: true,
  sourcemap: false,
  plugins: [leaveOutUnused, withoutDeprecatedExtend],
  banner: {
    js: [
      'import { createRequire as __createRequire } from "node:module";',
      'import { fileURLToPath as __fileURLToPath } from "node:url";',
      "const require = __createRequire(import.meta.url);",
      "const __filename = __fileURLToPath(import.meta.url);",
      'const __dirname = __fileURLToPath(new URL(".", import.meta.url));',
    ].join("\n"),
  },
  logLevel: "warning",
});
