/** Whether the viewer in this container answers; what `/dozzle healthcheck` exits by. */
export async function probeHealth(port: number): Promise<boolean> {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/healthcheck`, {
      signal: AbortSignal.timeout(2_000),
    });
    return answer.status === 200;
  } catch {
    // Refused, slow or cut: not healthy, whatever the reason.
    return false;
  }
}
