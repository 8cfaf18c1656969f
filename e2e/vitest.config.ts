import { defineConfig } from "vitest/config";

const resolve = { conditions: ["@claws/source"] };

/** One stack, one engine: files run one after another. */
export default defineConfig({
  resolve,
  ssr: { resolve },
  // Where vitest itself runs globalSetup.
  environments: { __vitest__: { resolve } },
  test: {
    include: ["e2e/**/*.e2e.ts"],
    globalSetup: ["e2e/global-setup.ts"],
    fileParallelism: false,
    testTimeout: 180_000,
    hookTimeout: 600_000,
  },
});
