// SPDX-License-Identifier: Apache-2.0
import { abortThrows } from "./abort-throws.ts";
import { answersAfterDisposal } from "./answers-after-disposal.ts";
import { cachedLoad } from "./cached-load.ts";
import { checkThenWrite } from "./check-then-write.ts";
import { confirmedForGood } from "./confirmed-for-good.ts";
import { deafSubscriber } from "./deaf-subscriber.ts";
import { deafToAbort } from "./deaf-to-abort.ts";
import { echo } from "./echo.ts";
import { emptyMembership } from "./empty-membership.ts";
import { endlessStream } from "./endless-stream.ts";
import { endpointWithScheme } from "./endpoint-with-scheme.ts";
import { eternalTenure } from "./eternal-tenure.ts";
import { forgetfulReopen } from "./forgetful-reopen.ts";
import { freshIsOne } from "./fresh-is-one.ts";
import { hangs } from "./hangs.ts";
import { hangsWhenCutOff } from "./hangs-when-cut-off.ts";
import { hastyDisposal } from "./hasty-disposal.ts";
import { impostor } from "./impostor.ts";
import { lateFirstItem } from "./late-first-item.ts";
import { leasesInGivenOrder } from "./leases-in-given-order.ts";
import { leasesMerge } from "./leases-merge.ts";
import { leasesNoFence } from "./leases-no-fence.ts";
import { leasesVolatile } from "./leases-volatile.ts";
import { lostUpdate } from "./lost-update.ts";
import { mergedReigns } from "./merged-reigns.ts";
import { missingTenure } from "./missing-tenure.ts";
import type { Mutant } from "./mutant.ts";
import { noFence } from "./no-fence.ts";
import { noLock } from "./no-lock.ts";
import { noRangeGuard } from "./no-range-guard.ts";
import { optimist } from "./optimist.ts";
import { overwrite } from "./overwrite.ts";
import { regressingEpoch } from "./regressing-epoch.ts";
import { rollbackOnAbort } from "./rollback-on-abort.ts";
import { secondDisposalThrows } from "./second-disposal-throws.ts";
import { sequenceDoubleKey } from "./sequence-double-key.ts";
import { sequenceForgetsOnClose } from "./sequence-forgets-on-close.ts";
import { sequenceHalfBatch } from "./sequence-half-batch.ts";
import { sequenceLastValue } from "./sequence-last-value.ts";
import { sequenceNoCap } from "./sequence-no-cap.ts";
import { sequenceNoFence } from "./sequence-no-fence.ts";
import { sequenceRetries } from "./sequence-retries.ts";
import { sequenceVolatile } from "./sequence-volatile.ts";
import { sequenceWraps } from "./sequence-wraps.ts";
import { sharedHistory } from "./shared-history.ts";
import { silenceIsConsent } from "./silence-is-consent.ts";
import { stickyLeader } from "./sticky-leader.ts";
import { tenureOfTheCutOff } from "./tenure-of-the-cut-off.ts";
import { thawedCapabilities } from "./thawed-capabilities.ts";
import { tornCrash } from "./torn-crash.ts";
import { undeclaredLeases } from "./undeclared-leases.ts";
import { undeclaredMembership } from "./undeclared-membership.ts";
import { undeclaredSequences } from "./undeclared-sequences.ts";
import { vagueRefusal } from "./vague-refusal.ts";
import { wipedOnceSeen } from "./wiped-once-seen.ts";
import { wipedVoter } from "./wiped-voter.ts";
import { writeBehind } from "./write-behind.ts";

/** Every mutant, in the order of the clauses that they are about. */
export const MUTANTS: readonly Mutant[] = [
  sharedHistory,
  forgetfulReopen,
  thawedCapabilities,
  missingTenure,
  secondDisposalThrows,
  answersAfterDisposal,
  hastyDisposal,
  endlessStream,
  noLock,
  lateFirstItem,
  regressingEpoch,
  impostor,
  endpointWithScheme,
  abortThrows,
  deafSubscriber,
  mergedReigns,
  eternalTenure,
  tenureOfTheCutOff,
  stickyLeader,
  freshIsOne,
  cachedLoad,
  echo,
  overwrite,
  lostUpdate,
  noRangeGuard,
  writeBehind,
  tornCrash,
  wipedVoter,
  wipedOnceSeen,
  noFence,
  checkThenWrite,
  vagueRefusal,
  silenceIsConsent,
  confirmedForGood,
  optimist,
  deafToAbort,
  rollbackOnAbort,
  hangs,
  hangsWhenCutOff,
  undeclaredSequences,
  undeclaredLeases,
  undeclaredMembership,
  emptyMembership,
  sequenceLastValue,
  sequenceDoubleKey,
  sequenceHalfBatch,
  sequenceNoCap,
  sequenceWraps,
  sequenceRetries,
  sequenceNoFence,
  sequenceVolatile,
  sequenceForgetsOnClose,
  leasesInGivenOrder,
  leasesMerge,
  leasesNoFence,
  leasesVolatile,
];
