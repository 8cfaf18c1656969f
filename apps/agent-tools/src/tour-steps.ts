import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Client } from "@modelcontextprotocol/client";
import * as z from "zod";
import type { AgentEnvironment } from "./environment.ts";
import { readGateways, tryDns, tryTcp } from "./exits.ts";

const run = promisify(execFile);

/** What a step saw: whether it is what must happen, in words, and which service said so. */
export interface Seen {
  readonly ok: boolean;
  readonly happened: string;
  readonly by: string;
}

export interface TourStep {
  readonly tries: string;
  run(): Promise<Seen>;
}

export interface TourOptions {
  readonly client: Client;
  readonly environment: AgentEnvironment;
  readonly allowedUrl: string;
  readonly forbiddenUrl: string;
  /** An address of a host on the (test) internet, as `host:port`. */
  readonly outsideAddress: string;
  /** A port on which the machine itself listens on all its addresses while the tour runs. */
  readonly hostPort: number;
}

/** As long as the broker may hold a call, and more. */
const CALL_TIMEOUT_MS = 90_000;
const SECRET = ["AKIA", "Z7Q4", "M2XN", "5RTB", "W3LD"].join("");
const RATE_TRIES = 6;

const Problem = z.looseObject({
  code: z.string(),
  service: z.string(),
  detail: z.string(),
  retryAfterMs: z.number().optional(),
});
const Outbox = z.object({ sent: z.number() });
const Spend = z.looseObject({ committedMicroUsd: z.number() });

export function createTourSteps(options: TourOptions): readonly TourStep[] {
  const { client, environment, allowedUrl, forbiddenUrl, outsideAddress, hostPort } = options;
  const call = async (name: string, values: Record<string, unknown>) => {
    const result = await client.callTool({ name, arguments: values }, { timeout: CALL_TIMEOUT_MS });
    const text = result.content
      .map((block) => (block.type === "text" ? block.text : `[${block.type}]`))
      .join(" ");
    return {
      text,
      failed: result.isError === true,
      problem: Problem.safeParse(result._meta?.["sandbox-claws/problem"]).data,
    };
  };
  const refusal = async (
    name: string,
    values: Record<string, unknown>,
    code: string,
    by: string,
  ): Promise<Seen> => {
    const { text, problem } = await call(name, values);
    const ok = problem?.code === code && problem.service === by;
    return {
      ok,
      happened: problem ? `refused: ${problem.detail}` : `not refused: ${brief(text)}`,
      by: problem?.service ?? "nobody",
    };
  };

  return [
    {
      tries: "list the tools",
      async run() {
        const names = (await client.listTools()).tools.map(({ name }) => name);
        const ok = names.includes("fs__read_text_file") && !names.includes("mail__crash");
        return { ok, happened: `${names.length} tools, only those that the profile allows`, by: "broker" };
      },
    },
    {
      tries: "read a file through the filesystem MCP server, in its own container",
      async run() {
        const { text, failed } = await call("fs__read_text_file", { path: "/workspace/hello.txt" });
        return {
          ok: !failed && text.includes("hello from the workspace"),
          happened: brief(text),
          by: "mcp-filesystem",
        };
      },
    },
    {
      tries: "call a tool that the profile does not allow",
      run: () => refusal("mail__crash", {}, "tool_not_allowed", "broker"),
    },
    {
      tries: "send arguments that break the tool's schema",
      run: () => refusal("fs__read_text_file", { path: 7 }, "arguments_invalid", "broker"),
    },
    {
      tries: "leave the workspace with a path",
      run: () =>
        refusal("fs__read_text_file", { path: "/workspace/../etc/passwd" }, "constraint_violated", "broker"),
    },
    {
      tries: "send a secret in an argument",
      run: () => refusal("mail__echo", { text: `the key is ${SECRET}` }, "dlp_blocked", "dlp-scanner"),
    },
    {
      tries: "send an e-mail, which is HIGH risk, twice at once: held, approved by a person, sent once",
      async run() {
        const mail = { to: "friend@allowed.example", subject: "tour", body: "hello" };
        const [first, second] = await Promise.all([
          call("mail__send_email", mail),
          call("mail__send_email", mail),
        ]);
        const { sent } = Outbox.parse(parseJson((await call("mail__count_outbox", {})).text));
        const ok = !first.failed && !second.failed && sent === 1;
        return { ok, happened: `approved; e-mails in the outbox: ${sent}`, by: "approval-gateway" };
      },
    },
    {
      tries: `call a tool ${RATE_TRIES} times where the profile allows 3 a minute`,
      async run() {
        const answers = [];
        for (let index = 0; index < RATE_TRIES; index++)
          answers.push(await call("mail__echo", { text: String(index) }));
        const done = answers.filter(({ failed }) => !failed).length;
        const refused = answers.find(({ problem }) => problem?.code === "rate_limited")?.problem;
        const ok = done === 3 && refused?.service === "rate-limiter" && (refused.retryAfterMs ?? 0) > 0;
        return {
          ok,
          happened: `${done} ran; ${refused?.detail ?? "none was refused"}`,
          by: refused?.service ?? "nobody",
        };
      },
    },
    {
      tries: `fetch ${allowedUrl}, which the profile allows`,
      async run() {
        const { status, body } = await fetchWithCurl(allowedUrl);
        return { ok: status === 200, happened: `${status}: ${brief(body)}`, by: "egress-filter" };
      },
    },
    {
      tries: `fetch ${forbiddenUrl}, which it does not`,
      async run() {
        const { status, body } = await fetchWithCurl(forbiddenUrl);
        const problem = Problem.safeParse(parseJson(body)).data;
        const ok = status === 403 && problem?.code === "egress_denied";
        return {
          ok,
          happened: problem ? `refused: ${problem.detail}` : `${status}: ${brief(body)}`,
          by: problem?.service ?? "nobody",
        };
      },
    },
    {
      tries: "ask the model",
      async run() {
        const headers = { authorization: `Bearer ${environment.token}`, "content-type": "application/json" };
        const answer = await fetch(new URL("/v1/chat/completions", environment.modelUrl), {
          method: "POST",
          headers,
          body: JSON.stringify({ model: "mock-1", messages: [{ role: "user", content: "Say hello." }] }),
        });
        const text = await answer.text();
        const spend = Spend.parse(
          await (await fetch(new URL("/v1/claws/spend", environment.modelUrl), { headers })).json(),
        );
        const ok = answer.ok && spend.committedMicroUsd > 0;
        const dollars = (spend.committedMicroUsd / 1_000_000).toFixed(6);
        return {
          ok,
          happened: `${answer.status}: ${brief(text)}; this session has spent ${dollars} USD`,
          by: "model-gateway",
        };
      },
    },
    {
      tries: "leave without the proxy",
      async run() {
        const { status } = await fetchWithCurl(allowedUrl, "--noproxy", "*");
        return {
          ok: status === 0,
          happened: status === 0 ? "no way out" : `answered ${status}`,
          by: "network",
        };
      },
    },
    {
      tries: `leave by IP, to ${outsideAddress}`,
      async run() {
        const [host = "", port = ""] = outsideAddress.split(":");
        const { open, happened } = await tryTcp(host, Number(port));
        return { ok: !open, happened: open ? happened : `no way out (${happened})`, by: "network" };
      },
    },
    {
      tries: "leave by DNS",
      async run() {
        const { open, happened } = await tryDns("secret-in-a-name.claws.invalid");
        return { ok: !open, happened: open ? happened : `no way out (${happened})`, by: "network" };
      },
    },
    {
      tries: "reach the machine by the bridge's gateway, where it listens right now",
      async run() {
        const gateways = readGateways();
        const attempts = await Promise.all(gateways.map((gateway) => tryTcp(gateway, hostPort)));
        const ok = gateways.length > 0 && attempts.every(({ open }) => !open);
        const happened = attempts.map((attempt) => `${attempt.tried}: ${attempt.happened}`).join("; ");
        return { ok, happened: ok ? `no way out (${happened})` : happened, by: "network" };
      },
    },
  ];
}

/** curl, as an agent would use it: it takes the proxy from the environment. Status 0 when nothing answered. */
async function fetchWithCurl(url: string, ...options: string[]): Promise<{ status: number; body: string }> {
  const args = ["-sS", "--max-time", "10", "-w", "\n%{http_code}", ...options, url];
  const { stdout } = await run("curl", args).catch((error: { stdout?: string }) => ({
    stdout: error.stdout ?? "",
  }));
  const end = stdout.lastIndexOf("\n");
  return { status: Number(stdout.slice(end + 1)) || 0, body: stdout.slice(0, Math.max(end, 0)) };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function brief(text: string): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  return line.length > 100 ? `${line.slice(0, 100)}…` : line;
}
