/** The mail to somebody whom an approver asked for information. It decides nothing and holds no secret. */

export interface QuestionMailInput {
  name: string;
  askerName: string;
  beneficiaryName: string;
  questionId: string;
  text: string;
}

export function questionMail(input: QuestionMailInput): { subject: string; text: string } {
  const text = [
    `Hello ${input.name},`,
    '',
    `${input.askerName} has to decide about access for ${input.beneficiaryName} and asks you:`,
    '',
    ...input.text.split('\n').map((line) => `  ${line}`),
    '',
    'Please answer with:',
    `  usher answer ${input.questionId} "…"`,
    '',
    'The time to decide stands still until you answer, for a limited time.',
    '',
  ].join('\n');
  return { subject: `A question about access for ${input.beneficiaryName}`, text };
}
