import type { DetectionRule } from "../detection-rule.ts";

/** Text that speaks to the model instead of to the reader. */
export const INJECTION_RULES: readonly DetectionRule[] = [
  {
    id: "ignore-instructions",
    category: "injection",
    severity: "high",
    confidence: 0.85,
    pattern:
      /(?<!\w)(?:ignore|disregard|forget|override|bypass)(?!\w)[^.!?\n]{0,40}(?<!\w)(?:previous|prior|above|earlier|preceding|foregoing|existing|all|any|your)(?!\w)[^.!?\n]{0,30}(?<!\w)(?:instructions?|prompts?|directives?|guidelines|rules)(?!\w)/gi,
  },
  {
    id: "role-override",
    category: "injection",
    severity: "high",
    confidence: 0.75,
    pattern:
      /(?<!\w)(?:you are now|from now on,? you (?:are|will)|act as|pretend to be)(?!\w)[^.\n]{0,40}(?<!\w)(?:DAN|jailbroken|unrestricted|unfiltered|uncensored|developer mode|no (?:restrictions|rules|limits|filters))(?!\w)/gi,
  },
  {
    id: "reveal-system-prompt",
    category: "injection",
    severity: "medium",
    confidence: 0.75,
    pattern:
      /(?<!\w)(?:reveal|print|show|repeat|output|leak|display)(?!\w)[^.\n]{0,30}(?<!\w)(?:system|initial|hidden|original) (?:prompt|instructions|message)(?!\w)/gi,
  },
  {
    id: "hide-from-user",
    category: "injection",
    severity: "high",
    confidence: 0.75,
    pattern:
      /(?<!\w)(?:do not|don't|never|without) (?:tell|telling|inform|informing|mention|mentioning|notify|notifying|alert|alerting)(?!\w)[^.\n]{0,30}(?<!\w)(?:user|human|operator|owner)(?!\w)/gi,
  },
  {
    // Where the text is pasted into a prompt, these end one role's turn and begin another's.
    id: "chat-template-token",
    category: "injection",
    severity: "high",
    confidence: 0.9,
    pattern:
      /<\|(?:im_start|im_end|im_sep|system|user|assistant|endoftext|begin_of_text|eot_id|start_header_id|end_header_id)\|>|\[\/?INST\]|<<\/?SYS>>|<(?:start|end)_of_turn>/g,
  },
  {
    id: "system-line",
    category: "injection",
    severity: "low",
    confidence: 0.5,
    pattern: /^[ \t]{0,4}(?:#{1,4} )?\[?system(?: (?:message|prompt|instruction))?\]?\s?:\s/gim,
  },
];
