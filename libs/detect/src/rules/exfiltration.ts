import type { DetectionRule } from "../detection-rule.ts";

/** Ways by which data leaves that honest work rarely takes. */
export const EXFILTRATION_RULES: readonly DetectionRule[] = [
  {
    id: "drop-host",
    category: "exfiltration",
    severity: "medium",
    confidence: 0.7,
    pattern:
      /(?<![\w-])(?:pastebin\.com|paste\.ee|hastebin\.com|dpaste\.(?:com|org)|ghostbin\.com|rentry\.co|ix\.io|0x0\.st|transfer\.sh|file\.io|gofile\.io|termbin\.com|gist\.github(?:usercontent)?\.com|webhook\.site|requestbin\.(?:com|net)|pipedream\.net|beeceptor\.com|interact\.sh|oast\.(?:fun|live|me|online|pro|site)|burpcollaborator\.net|ngrok\.(?:io|app)|ngrok-free\.app|trycloudflare\.com|requestcatcher\.com)(?![\w-])/gi,
  },
  {
    // A client that renders Markdown fetches the image, and with it hands over the query.
    id: "markdown-image-query",
    category: "exfiltration",
    severity: "high",
    confidence: 0.8,
    pattern: /!\[[^\]\n]{0,200}\]\(\s?https?:\/\/[^\s)?]{1,500}\?[^\s)]{60,2000}/gi,
  },
  {
    id: "data-uri-payload",
    category: "exfiltration",
    severity: "low",
    confidence: 0.5,
    pattern: /data:[a-z]{2,20}\/[a-z0-9.+-]{1,60};base64,[A-Za-z0-9+/]{256,}/gi,
  },
  {
    id: "pipe-to-network",
    category: "exfiltration",
    severity: "high",
    confidence: 0.75,
    pattern: /\|\s{0,4}(?:sudo )?(?:curl|wget|nc|ncat|netcat|socat)(?![\w.-])/g,
  },
  {
    id: "download-to-shell",
    category: "exfiltration",
    severity: "high",
    confidence: 0.75,
    pattern: /(?<!\w)(?:curl|wget)\s[^\n|]{1,300}\|\s{0,4}(?:sudo )?(?:ba|z|da|k)?sh(?!\w)/g,
  },
  {
    id: "eval-call",
    category: "exfiltration",
    severity: "low",
    confidence: 0.5,
    pattern: /(?<![\w.])eval\s{0,3}\(/g,
  },
];
