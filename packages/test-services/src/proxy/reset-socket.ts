// SPDX-License-Identifier: Apache-2.0
import type { Socket } from "node:net";

/**
 * Closes a connection with a reset, at once and with nothing before it. `resetAndDestroy` ends the stream first:
 * its peer then sees an orderly end before the reset, and while written bytes wait it sees neither. This sets the
 * same mark on the socket and skips the end; the tests of the proxy would notice a Node without that mark.
 */
export function resetSocket(socket: Socket): void {
  if (!socket.connecting) Object.assign(socket, { resetAndClosing: true });
  socket.destroy();
}
