import { duplexPair } from "node:stream";
import type { JSONRPCMessage } from "@modelcontextprotocol/client";
import { describe, expect, it } from "vitest";
import { StdioTransport } from "./stdio-transport.ts";

async function open() {
  const [ours, server] = duplexPair();
  const transport = new StdioTransport(ours);
  const messages: JSONRPCMessage[] = [];
  const errors: string[] = [];
  const closed = new Promise<void>((resolve) => {
    Object.assign(transport, {
      onmessage: (message: JSONRPCMessage) => messages.push(message),
      onerror: (error: Error) => errors.push(error.message),
      onclose: resolve,
    });
  });
  await transport.start();
  /** Writes each piece by itself, and waits until the transport has read it. */
  const say = async (...pieces: (string | Uint8Array)[]) => {
    for (const piece of pieces) {
      server.write(piece);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  return { transport, server, messages, errors, closed, say };
}

const ping = { jsonrpc: "2.0", id: 1, method: "ping" };
const LINE = `${JSON.stringify(ping)}\n`;

describe("the stdio transport", () => {
  it("takes each line for a message", async () => {
    const { say, messages } = await open();
    await say(LINE);
    await say(LINE + LINE);
    expect(messages).toEqual([ping, ping, ping]);
  });

  it("puts a message together from whatever pieces it comes in", async () => {
    const { say, messages } = await open();
    await say(...LINE.split(""));
    await say(LINE.slice(0, 9), LINE.slice(9) + LINE.slice(0, 20), LINE.slice(20));
    expect(messages).toEqual([ping, ping, ping]);
  });

  it("puts characters together that were split in the middle", async () => {
    const { say, messages } = await open();
    const text = { jsonrpc: "2.0", method: "say", params: { text: "日本 😀" } };
    await say(...[...Buffer.from(`${JSON.stringify(text)}\n`)].map((byte) => Uint8Array.of(byte)));
    expect(messages).toEqual([text]);
  });

  it("takes lines that end as on Windows", async () => {
    const { say, messages, errors } = await open();
    await say(LINE.replace("\n", "\r\n"));
    expect(messages).toEqual([ping]);
    expect(errors).toEqual([]);
  });

  it.each([
    ["a banner", "Server v1.2 is ready\n", "not JSON"],
    ["half a message", '{"jsonrpc":"2.0",\n', "not JSON"],
    ["JSON that is no message", '{"level":"info"}\n', "not JSON-RPC 2.0"],
    ["another version", '{"jsonrpc":"1.0","id":1}\n', "not JSON-RPC 2.0"],
    ["a number", "42\n", "not JSON-RPC 2.0"],
    ["null", "null\n", "not JSON-RPC 2.0"],
    ["a batch", `[${JSON.stringify(ping)}]\n`, "not JSON-RPC 2.0"],
  ])("reports %s and reads on", async (_what, line, error) => {
    const { say, messages, errors } = await open();
    await say(line, LINE);
    expect(errors).toEqual([expect.stringContaining(error)]);
    expect(messages).toEqual([ping]);
  });

  it("says nothing of empty lines", async () => {
    const { say, errors } = await open();
    await say("\n\r\n  \n");
    expect(errors).toEqual([]);
  });

  it("takes a long line whole", async () => {
    const { say, messages } = await open();
    const long = { jsonrpc: "2.0", method: "say", params: { text: "x".repeat(4 * 1024 * 1024) } };
    await say(`${JSON.stringify(long)}\n`);
    expect(messages).toEqual([long]);
  });

  it("hangs up on a line that does not end", async () => {
    const { say, errors, messages, closed } = await open();
    const mebibyte = "x".repeat(1024 * 1024);
    for (let sent = 0; sent <= 8; sent++) await say(mebibyte);
    await closed;
    expect(errors).toEqual([expect.stringContaining("a line of more than 8388608 bytes")]);
    expect(messages).toEqual([]);
  });

  it("sends each message as one line", async () => {
    const { transport, server } = await open();
    await transport.send({ jsonrpc: "2.0", method: "say", params: { text: "a\nb" } });
    expect(String(server.read())).toBe('{"jsonrpc":"2.0","method":"say","params":{"text":"a\\nb"}}\n');
  });

  it("closes when the server's end does, and then sends nothing", async () => {
    const { transport, server, closed } = await open();
    server.end();
    await closed;
    await expect(transport.send({ jsonrpc: "2.0", method: "ping" })).rejects.toThrow();
  });

  it("tells the server when it is closed", async () => {
    const { transport, server, closed } = await open();
    const ended = new Promise((resolve) => server.resume().once("end", resolve));
    await transport.close();
    await Promise.all([closed, ended]);
  });
});
