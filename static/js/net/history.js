// Older messages, page by page, one request at a time. Loaded when somebody first scrolls up.

const PAGE = 50;

export class History {
  #api;
  #room;
  #running = null;

  constructor({ api, room }) {
    this.#api = api;
    this.#room = room;
  }

  /** `{messages, complete}` before `seq`; the request already running is shared. */
  before(seq) {
    this.#running ??= this.#load(seq).finally(() => (this.#running = null));
    return this.#running;
  }

  async #load(seq) {
    const { items } = await this.#api.get(`/api/v1/conversations/${this.#room}/messages?before=${seq}&limit=${PAGE}`);
    return { messages: items, complete: items.length < PAGE };
  }
}
