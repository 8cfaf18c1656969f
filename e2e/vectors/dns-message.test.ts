import { createSocket } from "node:dgram";
import { Resolver } from "node:dns/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readQuestion, writeAnswer } from "./dns-message.ts";
import { answerFor } from "./policy.ts";

describe("the stub name server, asked by Node's own resolver,", () => {
  const socket = createSocket("udp4");
  const resolver = new Resolver({ timeout: 500, tries: 1 });
  beforeAll(async () => {
    socket.on("message", (message, from) => {
      const question = readQuestion(message);
      if (question === undefined) return;
      const stub = answerFor(question.name);
      socket.send(writeAnswer(message, question, stub, stub.addresses[0] ?? []), from.port, from.address);
    });
    await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
    resolver.setServers([`127.0.0.1:${socket.address().port}`]);
  });
  afterAll(() => void socket.close());

  it.each([
    ["allowed.test", ["93.184.216.34"]],
    ["a.wild.test", ["93.184.216.34"]],
    ["a.b.wild.test", ["198.51.100.66"]],
    ["mixed.wild.test", ["93.184.216.34", "10.0.0.1"]],
    ["c.wild.test", ["169.254.169.254"]],
  ])("%s is %j", async (name, addresses) => expect(await resolver.resolve4(name)).toEqual(addresses));

  it("has no addresses of the other family", async () => {
    await expect(resolver.resolve6("allowed.test")).rejects.toMatchObject({ code: "ENODATA" });
  });
});

it.each([
  ["nothing", Buffer.alloc(0)],
  ["a header alone", Buffer.alloc(12)],
  ["a label that is cut off", Buffer.concat([Buffer.alloc(12), Buffer.from([9, 97])])],
  ["a pointer", Buffer.concat([Buffer.alloc(12), Buffer.from([0xc0, 12, 0, 1, 0, 1])])],
])("a query of %s is not answered", (_what, message) => expect(readQuestion(message)).toBeUndefined());
