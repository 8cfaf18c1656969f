import type { DetectionRule } from "../detection-rule.ts";
import { measureEntropy } from "../entropy.ts";
import { isPlaceholder } from "../placeholder.ts";

/**
 * Only the head is judged: otherwise padding behind a real token (`…aaaaaaaa`, `…EXAMPLE`) would lower
 * its entropy or make it a stand-in, and so hide it.
 */
const HEAD = 40;

function isRandom(matched: string): boolean {
  const head = matched.slice(0, HEAD);
  return measureEntropy(head) >= 2.8 && !isPlaceholder(head);
}

function isRealPassword(password: string): boolean {
  return !isPlaceholder(password) && !/^(?:password|passwd|pass|pwd|secret|user|root|admin)$/i.test(password);
}

/** RFC 7519: the first segment is the JSON of a JOSE header, which names an algorithm. */
function hasJoseHeader(token: string): boolean {
  const [header = ""] = token.split(".", 1);
  try {
    const parsed: unknown = JSON.parse(Buffer.from(header, "base64url").toString("utf8"));
    return typeof parsed === "object" && parsed !== null && "alg" in parsed && typeof parsed.alg === "string";
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

/** A header alone is documentation; a key has a body. */
function hasKeyBody(block: string): boolean {
  return block.replace(/-----[A-Z ]{1,60}-----/g, "").replace(/[^A-Za-z0-9+/=]/g, "").length >= 48;
}

function provider(id: string, pattern: RegExp, confidence = 0.95): DetectionRule {
  return { id, category: "secret", severity: "critical", confidence, pattern, validate: isRandom };
}

/** Formats that providers publish for their keys, so that a match is a key and not a guess. */
export const SECRET_RULES: readonly DetectionRule[] = [
  provider("aws-access-key-id", /(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}/g),
  {
    ...provider(
      "aws-secret-access-key",
      /aws_?secret_?(?:access_?)?key["']?\s{0,4}[:=]\s{0,4}["']?([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+])/dgi,
    ),
    group: 1,
  },
  provider("github-token", /gh[opusr]_[A-Za-z0-9]{36}/g, 0.98),
  provider("github-fine-grained-token", /github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}/g, 0.98),
  provider("gitlab-token", /gl(?:pat|dt|rt|ptt|cbt|ft|agent|imt|oas|soat|ffct)-[0-9A-Za-z_-]{20,64}/g),
  provider("slack-token", /xox[abceoprs](?:\.xox[bp])?-(?=[0-9A-Za-z-]{0,40}\d)[0-9A-Za-z-]{10,250}/g),
  provider("slack-app-token", /xapp-\d-[A-Z0-9]{5,20}-\d{5,20}-[a-z0-9]{20,80}/gi),
  provider("slack-webhook", /hooks\.slack\.com\/(?:services|workflows|triggers)\/[A-Za-z0-9+/_-]{40,80}/g),
  provider("stripe-key", /(?<![A-Za-z0-9])(?:sk|rk)_(?:live|test|prod)_[A-Za-z0-9]{10,99}/g),
  provider("stripe-webhook-secret", /whsec_[A-Za-z0-9+/]{32,64}/g),
  provider("anthropic-key", /sk-ant-[a-z0-9]{3,10}-[A-Za-z0-9_-]{20,200}/g, 0.98),
  provider("openai-key", /(?<![A-Za-z0-9])sk-(?:proj|svcacct|admin)-[A-Za-z0-9_-]{20,200}/g, 0.98),
  provider("openai-style-key", /(?<![A-Za-z0-9])sk-(?:or-v1-)?[A-Za-z0-9]{32,128}/g, 0.9),
  provider("google-api-key", /AIza[0-9A-Za-z_-]{35}/g),
  provider("google-oauth-client-secret", /GOCSPX-[0-9A-Za-z_-]{28}/g),
  provider("npm-token", /npm_[A-Za-z0-9]{36}/g),
  provider("pypi-token", /pypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{50,1000}/g, 0.98),
  provider("sendgrid-key", /SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{16,64}/g),
  provider("twilio-key", /(?<![A-Za-z0-9])SK[0-9a-f]{32}(?![0-9a-f])/g, 0.85),
  provider("telegram-bot-token", /(?<![0-9A-Za-z])(?:bot)?\d{5,16}:A[A-Za-z0-9_-]{34}(?![A-Za-z0-9_-])/g),
  provider("discord-webhook", /discord(?:app)?\.com\/api\/webhooks\/\d{17,20}\/[A-Za-z0-9_-]{60,72}/g),
  provider("huggingface-token", /(?<![A-Za-z0-9])(?:hf|api_org)_[A-Za-z]{34}(?![A-Za-z])/g),
  provider("digitalocean-token", /do[opr]_v1_[a-f0-9]{64}/g),
  provider("shopify-token", /shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}/g),
  provider("grafana-token", /gl(?:sa|c)_[A-Za-z0-9+/_]{32,400}/g),
  provider("vault-token", /hv[sbr]\.[A-Za-z0-9_-]{24,300}/g),
  provider("age-secret-key", /AGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}/g, 0.99),
  {
    ...provider("azure-storage-key", /AccountKey=([A-Za-z0-9+/]{86}==)/dg),
    group: 1,
  },
  {
    id: "database-url-password",
    category: "secret",
    severity: "high",
    confidence: 0.85,
    pattern:
      /(?:postgres(?:ql)?|mysql|mariadb|rediss?|mongodb(?:\+srv)?|amqps?):\/\/[^\s:@/"'<>]{0,64}:([^\s@/"'<>]{3,128})@/dgi,
    group: 1,
    validate: isRealPassword,
  },
  {
    id: "private-key",
    category: "secret",
    severity: "critical",
    confidence: 0.99,
    // The body may hold single dashes (`Proc-Type`, RFC 1421) and, in JSON, escaped line breaks.
    pattern:
      /-----BEGIN [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----(?:[^-]|-(?!-)){0,16384}(?:-----END [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----)?/g,
    validate: hasKeyBody,
  },
  {
    id: "jwt",
    category: "secret",
    severity: "high",
    confidence: 0.9,
    pattern: /(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,1024}\.[A-Za-z0-9_-]{8,4096}\.[A-Za-z0-9_-]{10,1024}/g,
    validate: hasJoseHeader,
  },
];
