import type { Command } from "commander";
import type { Bind } from "../cli.ts";
export function addTryVerb(_program: Command, _bind: Bind): void {}
