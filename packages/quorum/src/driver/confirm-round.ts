// SPDX-License-Identifier: Apache-2.0
import { type CallOptions, ConsensusError, untilAborted } from "@tsoracle/consensus";
import type { QuorumPolicy } from "../policy.ts";
import type { Timers } from "../timers.ts";
import type { BoundMember } from "./bound-member.ts";

/**
 * Whether W members confirm, each at an instant after this call, that their reign is still the newest. A newer reign
 * over the whole would have taken one of any W before it began.
 *
 * @throws ConsensusError `transient` if too few answered to tell, or the reason of the signal.
 */
export function confirmed(
  bound: readonly BoundMember[],
  { w, ackTimeoutMs }: QuorumPolicy,
  timers: Timers,
  options: CallOptions | undefined,
): Promise<boolean> {
  const round = new Promise<boolean>((resolve, reject) => {
    let yes = 0;
    let denied = 0;
    let silent = bound.length;
    const doubt = (): void => {
      reject(new ConsensusError("transient", `${yes} of ${bound.length} members confirmed the reign, ${w} are needed`));
    };
    const cancel = timers.after(ackTimeoutMs, doubt);
    const count = (): void => {
      if (yes < w && bound.length - denied >= w && silent > 0) return;
      cancel();
      if (yes >= w) resolve(true);
      else if (bound.length - denied < w) resolve(false);
      else doubt();
    };
    for (const member of bound) {
      member.confirm(undefined).then(
        (isNewest) => {
          silent -= 1;
          if (isNewest) yes += 1;
          else denied += 1;
          count();
        },
        () => {
          silent -= 1;
          count();
        },
      );
    }
    count();
  });
  return untilAborted(round, options?.signal);
}
