import { describe, expect, it } from "vitest";
import * as z from "zod";
import { BooleanSetting, ConfigError, PortSetting, readConfig } from "./config.ts";

const Settings = z.object({
  LISTEN_HOST: z.string().default("broker.agent"),
  LISTEN_PORT: PortSetting.default(7000),
  STRICT: BooleanSetting.default(true),
  PROJECT: z.string(),
});

describe("a configuration", () => {
  it("is read from the environment, with what is not ours left out", () => {
    expect(readConfig(Settings, { PROJECT: "claws", LISTEN_PORT: "0", PATH: "/bin" })).toEqual({
      LISTEN_HOST: "broker.agent",
      LISTEN_PORT: 0,
      STRICT: true,
      PROJECT: "claws",
    });
  });

  it("takes an empty variable for one that is not set", () => {
    const read = readConfig(Settings, { PROJECT: "claws", LISTEN_HOST: "", LISTEN_PORT: "", STRICT: "" });
    expect(read).toMatchObject({ LISTEN_HOST: "broker.agent", LISTEN_PORT: 7000, STRICT: true });
    expect(() => readConfig(Settings, { PROJECT: "" })).toThrow("PROJECT");
  });

  it("names every mistake in one error", () => {
    const read = () => readConfig(Settings, { LISTEN_PORT: "65536", STRICT: "yes" });
    expect(read).toThrow(ConfigError);
    expect(read).toThrow(/^wrong configuration: .*LISTEN_PORT: .*; .*STRICT: .*; .*PROJECT: /);
  });

  it("never changes afterwards", () => {
    expect(Object.isFrozen(readConfig(Settings, { PROJECT: "claws" }))).toBe(true);
  });
});

describe("a port", () => {
  it.each([
    ["0", 0],
    ["65535", 65_535],
  ])("may be %s", (text, port) => expect(PortSetting.parse(text)).toBe(port));

  it.each(["-1", "65536", "80.5", "http", "1e9"])("is not %s", (text) =>
    expect(PortSetting.safeParse(text).success).toBe(false),
  );
});

describe("a boolean", () => {
  it.each([
    ["true", true],
    ["false", false],
  ])("may be %s", (text, value) => expect(BooleanSetting.parse(text)).toBe(value));

  it.each(["1", "0", "TRUE", "yes", "on"])("is not %s", (text) =>
    expect(BooleanSetting.safeParse(text).success).toBe(false),
  );
});
