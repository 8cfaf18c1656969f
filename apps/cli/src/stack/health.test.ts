import { describe, expect, it } from "vitest";
import { type Container, findUnhealthy } from "./health.ts";

const container = (Service: string, State: string, Health = "", ExitCode = 0): Container => ({
  Service,
  Name: `claws-${Service}-1`,
  State,
  Health,
  ExitCode,
});

describe("what keeps a stack from being up", () => {
  it.each([
    container("broker", "running", "healthy"),
    container("bootstrap", "exited"),
    container("policy", "exited"),
    container("profile-basic", "exited"),
  ])("is not $Service, $State $Health", (well) => expect(findUnhealthy([well])).toEqual([]));

  it.each([
    container("broker", "running", "starting"),
    container("broker", "running", "unhealthy"),
    container("broker", "running"),
    container("broker", "exited"),
    container("broker", "restarting", "healthy"),
    container("broker", "created"),
    container("broker", "paused", "healthy"),
    container("broker", "dead"),
    container("bootstrap", "running"),
    container("bootstrap", "created"),
    container("bootstrap", "exited", "", 78),
    container("policy", "exited", "", 1),
    container("profile-basic", "running", "healthy"),
    container("policy-maker", "exited"),
  ])("is $Service, $State $Health with exit code $ExitCode", (unwell) => {
    expect(findUnhealthy([container("redis", "running", "healthy"), unwell])).toEqual([unwell]);
  });

  it("is nothing where there is nothing", () => expect(findUnhealthy([])).toEqual([]));
});
