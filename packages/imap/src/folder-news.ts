/**
 * What the server tells by itself about the open folder (RFC 9051 sections 7.4 and 7.5, RFC 7162 section 3.2.10). It tells each thing once,
 * in whatever answer it likes: what came beside a FETCH does not come again in the IDLE after it.
 */
export class FolderNews {
  #messages: number | undefined;
  #hasMoved = false;
  #listener: (() => void) | undefined;

  /** A folder was opened with so many messages. */
  start(messages: number): void {
    this.#messages = messages;
    this.#hasMoved = false;
  }

  /** No folder is open. */
  stop(): void {
    this.#messages = undefined;
    this.#hasMoved = false;
  }

  /** EXISTS. Some servers repeat the number as a sign of life. */
  tellCount(messages: number | undefined): void {
    if (messages === undefined || messages === this.#messages) return;
    this.tellChange();
    if (this.#messages !== undefined) this.#messages = messages;
  }

  /** EXPUNGE, which takes one message away. */
  tellRemoval(): void {
    this.tellChange();
    if (this.#messages !== undefined) this.#messages -= 1;
  }

  /** VANISHED, or flags that nobody asked for. VANISHED does not say how many of its UIDs were there, so the next EXISTS counts as news. */
  tellChange(): void {
    if (this.#messages === undefined) return;
    this.#hasMoved = true;
    this.#listener?.();
  }

  /** Whether something moved since the folder was opened or this was asked last. */
  take(): boolean {
    const hasMoved = this.#hasMoved;
    this.#hasMoved = false;
    return hasMoved;
  }

  /** Called at each piece of news, until the returned function is called. */
  listen(listener: () => void): () => void {
    this.#listener = listener;
    return () => {
      this.#listener = undefined;
    };
  }
}
