import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { problemOf, sendRaw } from "./testing/raw-client.ts";
import { PUBLIC_ADDRESS, type RunningFilter, startFilter } from "./testing/start-filter.ts";
import { startHttpOrigin } from "./testing/start-origin.ts";

let filter: RunningFilter;
let origin: Awaited<ReturnType<typeof startHttpOrigin>>;

beforeAll(async () => {
  origin = await startHttpOrigin(PUBLIC_ADDRESS);
  const rule = { action: "allow", host: "allowed.test", port: origin.port, key: "egress.rules[0]" } as const;
  filter = await startFilter({
    egress: { mode: "allowlist", rules: [rule] },
    names: { "allowed.test": [PUBLIC_ADDRESS] },
  });
});
afterAll(async () => {
  await filter.stop();
  await origin.stop();
});

const H = "Host: allowed.test:PORT\r\n";

describe("bytes that two parsers could read differently", () => {
  it.each([
    ["CL.TE", `POST /P HTTP/1.1\r\n${H}Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG`],
    ["TE.CL", `POST /P HTTP/1.1\r\n${H}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n`],
    ["TE.TE", `POST /P HTTP/1.1\r\n${H}Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n`],
    ["two lengths", `POST /P HTTP/1.1\r\n${H}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab`],
    ["a list of lengths", `POST /P HTTP/1.1\r\n${H}Content-Length: 1, 1\r\n\r\na`],
    ["a hexadecimal length", `POST /P HTTP/1.1\r\n${H}Content-Length: 0x1\r\n\r\na`],
    ["a space before the colon", `POST /P HTTP/1.1\r\n${H}Content-Length : 1\r\n\r\na`],
    ["a folded line", `GET /P HTTP/1.1\r\n${H}X: a\r\n b\r\n\r\n`],
    ["bare line feeds", "GET /P HTTP/1.1\nHost: allowed.test:PORT\n\n"],
    ["a bare carriage return", "GET /P HTTP/1.1\r\nHost: allowed.test:PORT\rX: b\r\n\r\n"],
    ["a lower-case method", `get /P HTTP/1.1\r\n${H}\r\n`],
    ["HTTP/0.9", "GET /P\r\n\r\n"],
    ["HTTP/1.0", `GET /P HTTP/1.0\r\n${H}\r\n`],
    ["HTTP/2.0", `GET /P HTTP/2.0\r\n${H}\r\n`],
    ["an HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
    ["no Host", "GET /P HTTP/1.1\r\n\r\n"],
    ["two Hosts", `GET /P HTTP/1.1\r\n${H}Host: evil.test\r\n\r\n`],
    ["another Host", "GET /P HTTP/1.1\r\nHost: evil.test\r\n\r\n"],
    ["another Expect", `POST /P HTTP/1.1\r\n${H}Expect: 200-ok\r\nContent-Length: 1\r\n\r\na`],
    ["an h2c upgrade", `GET /P HTTP/1.1\r\n${H}Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n`],
    [
      "a POST that becomes a WebSocket",
      `POST /P HTTP/1.1\r\n${H}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
    ],
    ["origin-form", `GET / HTTP/1.1\r\n${H}\r\n`],
    ["a SOCKS hello", "\u0005\u0001\u0000"],
    ["a TLS hello", "\u0016\u0003\u0001\u0000\u0005hello"],
    ["a PROXY line", `PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\nGET /P HTTP/1.1\r\n${H}\r\n`],
    ["CONNECT in HTTP/0.9", "CONNECT allowed.test:PORT\r\n\r\n"],
    ["CONNECT in HTTP/1.0", `CONNECT allowed.test:PORT HTTP/1.0\r\n${H}\r\n`],
    ["CONNECT without Host", "CONNECT allowed.test:PORT HTTP/1.1\r\n\r\n"],
    ["CONNECT with another Host", "CONNECT allowed.test:PORT HTTP/1.1\r\nHost: evil.test:443\r\n\r\n"],
    ["CONNECT with a line feed", `CONNECT allowed.test:PORT\nX: y HTTP/1.1\r\n${H}\r\n`],
    ["CONNECT with userinfo", `CONNECT a@allowed.test:PORT HTTP/1.1\r\n${H}\r\n`],
    ["CONNECT with a body", `CONNECT allowed.test:PORT HTTP/1.1\r\n${H}Content-Length: 3\r\n\r\nabc`],
  ])("are refused and recorded once: %s", async (_case, bytes) => {
    const before = (await filter.decisions(0)).length;
    const target = `http://allowed.test:${origin.port}/`;
    const answer = await sendRaw(
      filter.port,
      bytes.replaceAll(" /P", ` ${target}`).replaceAll("PORT", String(origin.port)),
    );
    const { status, code } = problemOf(answer);
    expect([400, 421, 505]).toContain(status);
    expect((await filter.decisions(before + 1)).slice(before)).toEqual([
      expect.objectContaining({ event: "egress.decided", outcome: "deny", code }),
    ]);
    expect(filter.queries).toEqual([]);
    expect(origin.sockets).toHaveLength(0);
  });

  it("leave no query behind in log and record", async () => {
    await sendRaw(
      filter.port,
      "GET ftp://allowed.test/file?token=s3cr3t HTTP/1.1\r\nHost: allowed.test\r\n\r\n",
    );
    expect(filter.logged("egress decided").at(-1)).toMatchObject({ host: "ftp://allowed.test/file" });
    const events = await filter.decisions(1);
    expect(JSON.stringify([events, filter.logged("egress decided")])).not.toContain("s3cr3t");
  });

  it("RES-11: end up in the log as one line each, escaped", async () => {
    await sendRaw(filter.port, 'GET /"}{"decision":"allow" HTTP/1.1\r\nHost: allowed.test\r\n\r\n');
    expect(filter.logged("egress decided").at(-1)).toMatchObject({ decision: "deny", port: null });
  });
});
