import { constants, setPriority } from "node:os";

/**
 * Lets whatever else wants the processor go first: this thread, and all that are begun from now on. A process that has a processor for itself
 * loses nothing by it.
 *
 * @returns false where the system does not allow it
 */
export function goLast(): boolean {
  try {
    setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
    return true;
  } catch {
    return false;
  }
}
