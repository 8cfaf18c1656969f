// Bundles the server into one file: no package manager, no thousand files in the image that runs.
import { build } from "esbuild";

await build({
  entryPoints: ["node_modules/@modelcontextprotocol/server-filesystem/dist/index.js"],
  outfile: "server.mjs",
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node24",
  minify: true,
  legalComments: "none",
  // Some CommonJS dependencies still call require() for Node's own modules.
  banner: {
    js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
  },
  logLevel: "warning",
});
