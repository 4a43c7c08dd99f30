import { describe, expect, test } from "vitest";
import { describeCredentialNotes } from "../conformance/credential-notes.ts";
import { createMemoryCredentialNotes } from "./memory-credential-notes.ts";

describeCredentialNotes("the memory fake", async () => createMemoryCredentialNotes(), { describe, test, expect });
