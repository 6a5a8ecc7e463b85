/** Who decides an approval and what they want to know first, as the API takes and tells it: questions, hand-over, deputies. */
import { z } from 'zod';
import { InstantOrNull, PersonIdOrRef, PersonName, Reason } from './api-common.ts';
import { Instant } from './ids.ts';

const Text = Reason.trim().min(1, 'expected a text');
const Day = z.iso.date('expected a day such as 2026-12-24');

export const QuestionId = z.uuid();
export const MandateId = z.uuid();

export const HandOverBody = z.strictObject({
  to: PersonIdOrRef.meta({ description: 'Who decides instead; has to be somebody else than the person concerned.' }),
  reason: Text,
});
export const HandedOver = z.looseObject({ mandateId: z.string() });

export const QuestionBody = z.strictObject({
  text: Text,
  of: PersonIdOrRef.optional().meta({ description: 'Who should know; by default the manager of the person.' }),
});
export const Asked = z.looseObject({
  questionId: z.string(),
  askedOf: z.string().meta({ description: 'The id of the person who was asked.' }),
});

export const AnswerBody = z.strictObject({ text: Text });
export const Answered = z.looseObject({ approvalId: z.string() });

export const Question = z
  .looseObject({
    questionId: z.string(),
    approvalId: z.string(),
    state: z.enum(['open', 'answered', 'withdrawn']),
    askedBy: PersonName,
    askedOf: PersonName,
    askedAt: Instant,
    text: z.string().nullable().meta({ description: 'Null once the person whom it is about was erased.' }),
    answeredBy: PersonName.nullable(),
    answeredAt: InstantOrNull,
    answer: z.string().nullable(),
  })
  .meta({ id: 'Question' });
export const QuestionList = z.looseObject({ questions: z.array(Question) });

export const DeputyBody = z.strictObject({
  to: PersonIdOrRef,
  from: Day.meta({ description: 'First day, in the time zone of who is away.' }),
  until: Day.meta({ description: 'Last day.' }),
});
export const DeputyAdded = z.looseObject({ mandateId: z.string(), validFrom: Instant, validUntil: Instant });
export const DeputyEnded = z.looseObject({ mandateId: z.string(), isEnded: z.boolean() });

export const Deputy = z
  .looseObject({
    mandateId: z.string(),
    for: PersonName,
    deputy: PersonName,
    validFrom: Instant,
    validUntil: InstantOrNull,
  })
  .meta({ id: 'Deputy' });
export const DeputyList = z.looseObject({ deputies: z.array(Deputy) });
