/** How long something still has, in words: minutes while there are many, seconds at the end. */
export function formatTimeLeft(milliseconds: number): string {
  if (milliseconds <= 0) return "expired";
  const seconds = Math.ceil(milliseconds / 1_000);
  if (seconds < 60) return `${seconds} s left`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) {
    const rest = seconds % 60;
    return rest === 0 ? `${minutes} min left` : `${minutes} min ${rest} s left`;
  }
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min left`;
}

/** Hours and minutes on the reader's own clock. */
export function formatClock(epochMs: number): string {
  return new Date(epochMs).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}
