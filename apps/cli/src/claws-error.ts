/** A mistake or an obstacle that the user can do something about: printed as one line, exit code 1. */
export class ClawsError extends Error {
  override readonly name = "ClawsError";
}
