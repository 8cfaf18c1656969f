/** Bundles the console for browsers into `dist/`: one script, one stylesheet, one page. */
import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

const app = import.meta.dirname;
mkdirSync(join(app, "dist"), { recursive: true });
await build({
  absWorkingDir: app,
  entryPoints: { console: "src/main.ts" },
  outdir: "dist",
  bundle: true,
  platform: "browser",
  format: "esm",
  target: ["chrome120", "firefox128", "safari17.4"],
  conditions: ["@claws/source"],
  legalComments: "none",
  minify: true,
  logLevel: "warning",
});
for (const file of ["index.html", "console.css"])
  copyFileSync(join(app, "src", file), join(app, "dist", file));
