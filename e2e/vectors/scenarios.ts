import { buildEarlyData, buildHello } from "./client-hello.ts";
import { BUDGET } from "./policy.ts";
import type { Exchange, Scenario, Step } from "./scenario.ts";
import { bytesOf, type Vector } from "./vectors.ts";

export type Executable =
  | { readonly ok: true; readonly scenario: Scenario }
  /** Not a matter of one connection through a proxy: `where` it is proved instead. */
  | { readonly ok: false; readonly where: string };

const SHORT_MS = 3_000;

/** Turns a vector into what an attacker does; every vector is either executable or says where it is proved. */
export function scenarioOf(vector: Vector): Executable {
  const { id } = vector;
  if (id.startsWith("TOP-")) return { ok: false, where: "topology: ./claws verify" };
  const elsewhere = ELSEWHERE[id];
  if (elsewhere !== undefined) return { ok: false, where: elsewhere };
  const exchanges = DESCRIBED[id]?.() ?? [sendAsWritten(vector)];
  return { ok: true, scenario: { id, exchanges } };
}

const ELSEWHERE: Readonly<Record<string, string>> = {
  "RES-11": "log injection: unit test of the decision log, which is read as JSON lines",
  "RES-14": "shared wildcards: the linter of profiles",
  "RES-17": "five minutes of silence: unit test with shorter timers",
};

/** As it stands there; when a tunnel opens, a TLS handshake for the host that CONNECT named goes into it. */
function sendAsWritten(vector: Vector): Exchange {
  const bytes = bytesOf(vector);
  const request: Step = { do: "send", bytes, credentials: !NOT_HTTP.has(vector.id) };
  const target = /^CONNECT (\S+)/.exec(bytes)?.[1];
  if (target === undefined) return { steps: [request], listenMs: SHORT_MS };
  return { steps: [request, { do: "await-tunnel" }, sendHello(serverNameOf(target))], listenMs: SHORT_MS };
}

/** There is no request line behind which credentials could stand. */
const NOT_HTTP = new Set(["SMG-20", "SMG-28", "SMG-29"]);

function serverNameOf(target: string): string {
  return target
    .replace(/:[^:\]]*$/, "")
    .replace(/\.$/, "")
    .toLowerCase();
}

function sendHello(serverName: string): Step {
  return { do: "send", bytes: buildHello({ serverNames: [[serverName]] }) };
}

function openTunnel(host: string, port = 443): Step[] {
  const bytes = `CONNECT ${host}:${port} HTTP/1.1\r\nHost: ${host}:${port}\r\n\r\n`;
  return [{ do: "send", bytes, credentials: true }, { do: "await-tunnel" }];
}

/** CONNECT to a host with a handshake for it. */
function tunnelTo(host: string, ...then: readonly Step[]): Exchange {
  return { steps: [...openTunnel(host), sendHello(host), ...then], listenMs: SHORT_MS };
}

/** CONNECT to allowed.test, then these bytes. */
function inAllowedTunnel(bytes: string): Exchange[] {
  return [{ steps: [...openTunnel("allowed.test"), { do: "send", bytes }], listenMs: SHORT_MS }];
}

function request(path: string, headers = "", body = ""): string {
  return `GET http://allowed.test${path} HTTP/1.1\r\nHost: allowed.test\r\n${headers}\r\n${body}`;
}

const DESCRIBED: Readonly<Record<string, () => Exchange[]>> = {
  "TLS-01": () => inAllowedTunnel(buildHello({ serverNames: [["evil.test"]] })),
  "TLS-02": () => inAllowedTunnel(buildHello({ serverNames: [] })),
  "TLS-03": () => inAllowedTunnel(buildHello({ serverNames: [["allowed.test"], ["evil.test"]] })),
  "TLS-04": () => inAllowedTunnel(buildHello({ serverNames: [["allowed.test", "evil.test"]] })),
  "TLS-05": () => inAllowedTunnel(buildHello({ serverNames: [["allowed.test\0evil.test"]] })),
  "TLS-07": () => [
    {
      steps: [
        ...openTunnel("allowed.test"),
        { do: "drip", bytes: buildHello({ serverNames: [["allowed.test"]] }), everyMs: 2 },
      ],
      listenMs: SHORT_MS,
    },
  ],
  // With another name inside: passing it on because it could not be read would be the hole.
  "TLS-08": () => inAllowedTunnel(buildHello({ serverNames: [["evil.test"]], recordBytes: 5 })),
  "TLS-09": () => inAllowedTunnel(buildHello({ serverNames: [["allowed.test"]], keyShareBytes: 1_216 })),
  "TLS-11": () =>
    inAllowedTunnel(buildHello({ serverNames: [["cloudflare-ech.com"]], encryptedHelloBytes: 239 })),
  "TLS-12": () => inAllowedTunnel(buildHello({ serverNames: [["allowed.test"]], encryptedHelloBytes: 144 })),
  "TLS-13": () => inAllowedTunnel("SSH-2.0-x\r\n"),
  "TLS-18": () =>
    inAllowedTunnel(
      buildHello({ serverNames: [["allowed.test"]], hasEarlyData: true }) + buildEarlyData(1_000),
    ),

  "DNS-01": () => [
    tunnelTo("rebind.wild.test", { do: "wait", ms: 1_500 }),
    tunnelTo("rebind.wild.test", { do: "wait", ms: 1_500 }),
    tunnelTo("rebind.wild.test"),
  ],
  "DNS-02": () => [tunnelTo("mixed.wild.test")],
  "DNS-04": () => [tunnelTo("c.wild.test")],
  "DNS-05": () => [tunnelTo("c2.wild.test")],
  "DNS-07": () => [tunnelTo("payload.evil.test")],
  "DNS-11": () => SPECIAL_NAMES.map((name) => tunnelTo(name)),
  "DNS-12": () => ["redis", "mock-apis"].map((name) => tunnelTo(name)),
  "DNS-13": () => [tunnelTo("allowed")],

  "SMG-23": () => [
    {
      steps: [
        { do: "send", bytes: request("/two-responses"), credentials: true },
        { do: "wait", ms: 400 },
        { do: "send", bytes: request("/after"), credentials: true },
      ],
      listenMs: SHORT_MS,
    },
  ],

  "RES-01": () => [
    {
      steps: [
        { do: "send", bytes: "GET http://allowed.test/ HTTP/1.1\r\n", credentials: true },
        { do: "drip", bytes: "Host: al", everyMs: 2_500 },
      ],
      listenMs: 1_000,
    },
  ],
  "RES-02": () => [
    {
      steps: [
        {
          do: "send",
          bytes:
            "POST http://allowed.test/ HTTP/1.1\r\nHost: allowed.test\r\nContent-Length: 1000000000\r\n\r\n",
          credentials: true,
        },
        { do: "drip", bytes: "slowly!!", everyMs: 5_000 },
      ],
      listenMs: 5_000,
    },
  ],
  "RES-04": () => [tunnelTo("half-close.wild.test", { do: "half-close" })],
  "RES-05": () => [tunnelTo("upload-one.wild.test", { do: "upload", bytes: 2 * BUDGET.uploadBytes })],
  "RES-06": () =>
    Array.from({ length: 20 }, () =>
      tunnelTo("upload-many.wild.test", { do: "upload", bytes: Math.ceil(BUDGET.uploadBytes / 10) }),
    ),
  "RES-09": () => [
    {
      steps: [
        {
          do: "send",
          bytes: `CONNECT allowed.test:443 HTTP/1.1\r\nHost: allowed.test:443\r\nProxy-Authorization: Basic ${OTHER}\r\n\r\n`,
        },
        { do: "await-tunnel" },
        sendHello("allowed.test"),
      ],
      listenMs: SHORT_MS,
    },
  ],
  "RES-10": () => [{ steps: [{ do: "send", bytes: request("/"), credentials: true }], listenMs: SHORT_MS }],
  "RES-16": () => [tunnelTo("download.wild.test", { do: "wait", ms: 3_000 })],
};

const OTHER = Buffer.from("other:claws_agent_not_this_one").toString("base64");

const SPECIAL_NAMES = [
  "host.docker.internal",
  "gateway.docker.internal",
  "kubernetes.docker.internal",
  "metadata",
  "metadata.google.internal",
  "instance-data",
  "printer.internal",
  "printer.local",
  "router.home.arpa",
  "facebookcorewwwi.onion",
];
