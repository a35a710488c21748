// Loads pages of a conversation's history: older, newer, around a message. One request at a time. Loaded when idle.

const PAGE = 50;
const AROUND = 25;

export class History {
  #api;
  #room;
  #running = null;

  constructor({ api, room }) {
    this.#api = api;
    this.#room = room;
  }

  /** `{messages, complete}` before `seq`; complete: nothing stands before them. */
  before(seq) {
    return this.#alone(async () => {
      const messages = await this.#page(`before=${seq}&limit=${PAGE}`);
      return { messages, complete: messages.length < PAGE };
    });
  }

  /** `{messages}` after `seq`. */
  after(seq) {
    return this.#alone(async () => ({ messages: await this.#page(`after=${seq}&limit=${PAGE}`) }));
  }

  /** `{messages, complete}`: 25 before `seq`, itself, and 25 after it. */
  around(seq) {
    return this.#alone(async () => {
      const [before, after] = await Promise.all([
        this.#page(`before=${seq + 1}&limit=${AROUND + 1}`),
        this.#page(`after=${seq}&limit=${AROUND}`),
      ]);
      return { messages: [...before, ...after], complete: before.length <= AROUND };
    });
  }

  /** A call while a request runs gets null: what it asked for may no longer be what is needed. */
  async #alone(load) {
    if (this.#running) return null;
    this.#running = load();
    return this.#running.finally(() => (this.#running = null));
  }

  async #page(query) {
    return (await this.#api.get(`/api/v1/conversations/${this.#room}/messages?${query}`)).items;
  }
}
