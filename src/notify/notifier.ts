/** The port through which people are told something. Sending twice is harmless; losing a message is not. */
export interface Message {
  to: string[];
  subject: string;
  text: string;
}

export interface Notifier {
  /** Rejects when the message was not taken over; the caller tries again. */
  send(message: Message): Promise<void>;
}
