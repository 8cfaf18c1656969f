import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: { conditions: ["@claws/source"] },
  ssr: { resolve: { conditions: ["@claws/source"] } },
  test: {
    include: ["apps/**/*.test.ts", "libs/**/*.test.ts", "tools/**/*.test.ts", "e2e/vectors/**/*.test.ts"],
    restoreMocks: true,
    // Against hangs alone: no test is about how fast a busy machine is.
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Forked workers cost more than the tests do, and so does importing every package anew for each file:
    // no module of ours keeps state that a test of another file could see.
    pool: "threads",
    isolate: false,
    maxWorkers: "100%",
  },
});
