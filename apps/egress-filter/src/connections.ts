import type { Socket } from "node:net";

/** Room for one connection outward; it ends with the socket that is put in, or by `release`. */
export interface Place {
  readonly hold: (socket: Socket) => void;
  readonly release: () => void;
}

export interface Connections {
  readonly limit: number;
  /** Undefined when all places are taken. */
  reserve(): Place | undefined;
  closeAll(): void;
}

/** Counts the connections that one door has open or is opening, and can end them all. */
export function createConnections(limit: number): Connections {
  const places = new Map<Place, Socket | undefined>();
  return {
    limit,
    reserve() {
      if (places.size >= limit) return undefined;
      const place: Place = {
        hold(socket) {
          places.set(place, socket);
          socket.once("close", place.release);
          if (socket.destroyed) place.release();
        },
        release: () => void places.delete(place),
      };
      places.set(place, undefined);
      return place;
    },
    closeAll() {
      for (const socket of places.values()) socket?.destroy();
    },
  };
}
