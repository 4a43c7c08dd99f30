import { setFlagsFromString } from "node:v8";

/**
 * V8 forgets the code of functions that rested over a few collections; a worker has several a second, and would compile the same functions
 * again and again. From now on it forgets none, in any thread.
 *
 * For a process that has read all of its files and begun its threads: code that was compiled before, Node's own included, is only taken by
 * a process with the same flags. On the command line this one would cost each start 35 ms, and each thread 27.
 */
export function keepCompiledCode(): void {
  setFlagsFromString("--no-flush-bytecode");
}
