import { defineConfig } from "vitest/config";

/** One stack, one engine: files run one after another. */
export default defineConfig({
  resolve: { conditions: ["@claws/source"] },
  ssr: { resolve: { conditions: ["@claws/source"] } },
  test: {
    include: ["e2e/**/*.e2e.ts"],
    globalSetup: ["e2e/global-setup.ts"],
    fileParallelism: false,
    testTimeout: 180_000,
    hookTimeout: 600_000,
  },
});
