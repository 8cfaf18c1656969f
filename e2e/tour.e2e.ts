import { describe, expect, it } from "vitest";
import * as z from "zod";
import { readDeployment, runningContainers } from "./deployment.ts";

const Step = z.object({ tried: z.string(), ok: z.boolean(), happened: z.string(), by: z.string() });

describe("./claws tour", () => {
  it("walks through every door, meets every wall, and leaves nothing behind", async () => {
    const { code, stdout, stderr } = await readDeployment("claws-tour").claws(["tour", "--json"]);
    if (stdout === "") throw new Error(`there was no tour: ${stderr}`);
    const steps = stdout
      .trim()
      .split("\n")
      .map((line) => Step.parse(JSON.parse(line)));
    expect(
      steps.filter(({ ok }) => !ok),
      stderr,
    ).toEqual([]);
    expect(steps.length).toBe(15);
    expect(new Set(steps.map(({ by }) => by))).toEqual(
      new Set([
        "broker",
        "mcp-filesystem",
        "dlp-scanner",
        "approval-gateway",
        "rate-limiter",
        "egress-filter",
        "model-gateway",
        "network",
      ]),
    );
    expect(code).toBe(0);
    expect(await runningContainers("claws-tour")).toEqual([]);
  });
});
