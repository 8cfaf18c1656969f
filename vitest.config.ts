import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: { conditions: ["@claws/source"] },
  ssr: { resolve: { conditions: ["@claws/source"] } },
  test: {
    include: ["apps/**/*.test.ts", "libs/**/*.test.ts", "tools/**/*.test.ts"],
    restoreMocks: true,
    // Forked workers cost more than the tests do; files share no state.
    pool: "threads",
  },
});
