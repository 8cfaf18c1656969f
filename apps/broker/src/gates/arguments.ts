import { createProblem } from "@claws/contracts";
import { findConstraintViolation } from "@claws/policy";
import { ALLOW, deny, type Gate } from "../gate.ts";

/** The tool's own schema (JSON Schema), then what the profile adds for single arguments. */
export function createArgumentsGate(): Gate {
  return {
    name: "arguments",
    decide({ call, definition, terms }) {
      const mistake = definition.findArgumentMistake(call.arguments);
      if (mistake !== undefined) {
        return deny(
          createProblem("arguments_invalid", { service: "broker", detail: `${call.tool}: ${mistake}` }),
        );
      }
      const violation = findConstraintViolation(terms.constraints, call.arguments);
      if (violation === undefined) return ALLOW;
      const detail = `${call.tool}: ${violation.argument} ${violation.reason}`;
      return deny(createProblem("constraint_violated", { service: "broker", detail, key: violation.key }));
    },
  };
}
