/** The port through which people are told something. Sending twice is harmless; losing a message is not. */
export interface Message {
  to: string[];
  subject: string;
  text: string;
  /** The same as a page, for readers that show one. */
  html?: string;
}

export interface Notifier {
  /** Rejects when the message was not taken over; the caller tries again. */
  send(message: Message): Promise<void>;
  /** Rejects when the mail server cannot be reached or does not let us in. Sends nothing. */
  check?(): Promise<void>;
}
