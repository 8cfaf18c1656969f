import { readFileSync } from "node:fs";
import { askProxy, type ProxyRequest } from "../ask-proxy.ts";
import { judgeProxyAnswers, judgeRefused, judgeUnauthenticated } from "../judge-proxy.ts";
import type { Settings } from "../settings.ts";
import { type Finding, toFinding } from "./probe-group.ts";

/**
 * Destinations that no shipped policy opens: metadata, this machine, private ranges, the proxy itself, our own
 * services, and a name on a port (discard) that even `mode: public` keeps shut.
 */
const FORBIDDEN = [
  "169.254.169.254:80",
  "127.0.0.1:9090",
  "10.255.255.254:9",
  "172.17.0.1:2375",
  "192.168.255.254:9",
  "broker.control:7443",
  "launcher.launch:7443",
  "redis.state:6379",
  "claws-probe.example:9",
];

const connectTo = (destination: string): ProxyRequest => ({
  line: `CONNECT ${destination}`,
  host: destination,
});

export async function probeProxy(
  settings: Pick<Settings, "PROXY" | "PROXY_USER" | "TOKEN_FILE">,
): Promise<Finding[]> {
  if (settings.PROXY === undefined) return [];
  const [address = "", port] = settings.PROXY.split(":");
  const authorization = readAuthorization(settings);
  const ask = (request: ProxyRequest) => askProxy(address, Number(port), request);
  const stranger = `Basic ${Buffer.from("main:not-a-token").toString("base64")}`;
  const admin = `http://127.0.0.1:9090/metrics`;
  const forbidden = [
    ...FORBIDDEN.map(connectTo),
    { line: `GET ${admin}`, host: "127.0.0.1:9090" },
    { line: "GET http://169.254.169.254/latest/meta-data/", host: "169.254.169.254" },
  ].map((request) => ({ ...request, authorization }));
  const unauthenticated = [
    connectTo("claws-probe.example:443"),
    { ...connectTo("claws-probe.example:443"), authorization: stranger },
  ];

  const [refused, unknown] = await Promise.all([
    Promise.all((authorization === undefined ? [] : forbidden).map(ask)),
    Promise.all(unauthenticated.map(ask)),
  ]);
  return [
    toFinding(
      {
        id: "proxy-answers",
        tried: `${refused.length + unknown.length} requests to the proxy`,
        expected: "an answer to each",
      },
      judgeProxyAnswers([...refused, ...unknown]),
    ),
    toFinding(
      {
        id: "proxy-credentials",
        tried: "the proxy without credentials, and with wrong ones",
        expected: "407 and nothing else",
      },
      judgeUnauthenticated(unknown),
    ),
    ...(authorization === undefined
      ? []
      : [
          toFinding(
            {
              id: "proxy-refuses",
              tried: `through the proxy, as this agent: ${FORBIDDEN.join(", ")}`,
              expected: "each is refused",
            },
            judgeRefused(refused),
          ),
        ]),
  ];
}

function readAuthorization({
  PROXY_USER: user,
  TOKEN_FILE: file,
}: Pick<Settings, "PROXY_USER" | "TOKEN_FILE">) {
  if (user === undefined || file === undefined) return undefined;
  const token = readFileSync(file, "utf8").trim();
  return `Basic ${Buffer.from(`${user}:${token}`).toString("base64")}`;
}
