/** Who decides an approval, and what they want to know first: handing over, questions and answers, standing deputies. */
import { AppError } from '../../domain/errors.ts';
import {
  AnswerBody,
  DeputyBody,
  HandOverBody,
  MandateId,
  QuestionBody,
  QuestionId,
} from '../../schemas/api-approval-people.ts';
import { ApprovalId } from '../../schemas/ids.ts';
import { deputiesAt } from '../../store/mandates.ts';
import { findPersonId } from '../../store/read-person.ts';
import { readNames } from '../../store/read-names.ts';
import { openQuestionsFor } from '../../store/read-questions.ts';
import { answerQuestion, askQuestion } from '../../use-cases/approval-questions.ts';
import { addDeputy, endDeputy } from '../../use-cases/deputies.ts';
import { handOver } from '../../use-cases/hand-over.ts';
import { viewerOf, type HttpDeps } from '../app-types.ts';
import { readJson, readParam } from '../input.ts';
import { personOf, type Router } from '../router.ts';

export function approvalPeopleRoutes(router: Router, deps: HttpDeps): void {
  questionRoutes(router, deps);
  router.guarded('POST /api/v1/approvals/:approvalId/hand-over', async (c, caller) => {
    const byId = personOf(caller);
    const approvalId = readParam(c, 'approvalId', ApprovalId);
    const { to, reason } = await readJson(c, HandOverBody);
    const toId = await knownPerson(deps, to, 'to');
    return c.json(await handOver(deps, { approvalId, byId, toId, reason }), 201);
  });
  router.guarded('GET /api/v1/deputies', async (c, caller) => {
    const personId = viewerOf(caller).canSeeAll ? undefined : personOf(caller);
    const rows = await deputiesAt(deps.db, deps.verifier, deps.now(), personId);
    const nameOf = await readNames(
      deps.db,
      deps,
      rows.flatMap((row) => [row.from_id, row.to_id]),
    );
    const deputies = rows.map((row) => ({
      mandateId: row.mandate_id,
      for: { personId: row.from_id, name: nameOf(row.from_id) },
      deputy: { personId: row.to_id, name: nameOf(row.to_id) },
      validFrom: row.valid_from.toISOString(),
      validUntil: row.valid_until?.toISOString() ?? null,
    }));
    return c.json({ deputies });
  });
  router.guarded('POST /api/v1/deputies', async (c, caller) => {
    const fromId = personOf(caller);
    const body = await readJson(c, DeputyBody);
    const toId = await knownPerson(deps, body.to, 'to');
    return c.json(await addDeputy(deps, { fromId, toId, firstDay: body.from, lastDay: body.until }), 201);
  });
  router.guarded('POST /api/v1/deputies/:mandateId/end', async (c, caller) => {
    const mandateId = readParam(c, 'mandateId', MandateId);
    await endDeputy(deps, { mandateId, byId: personOf(caller) });
    return c.json({ mandateId, isEnded: true });
  });
}

function questionRoutes(router: Router, deps: HttpDeps): void {
  router.guarded('POST /api/v1/approvals/:approvalId/questions', async (c, caller) => {
    const askerId = personOf(caller);
    const approvalId = readParam(c, 'approvalId', ApprovalId);
    const { text, of } = await readJson(c, QuestionBody);
    const ofId = of === undefined ? null : await knownPerson(deps, of, 'of');
    return c.json(await askQuestion(deps, { approvalId, askerId, text, ofId }), 201);
  });
  router.guarded('GET /api/v1/questions', async (c, caller) =>
    c.json({ questions: await openQuestionsFor(deps.db, deps, personOf(caller)) }),
  );
  router.guarded('POST /api/v1/questions/:questionId/answer', async (c, caller) => {
    const answererId = personOf(caller);
    const questionId = readParam(c, 'questionId', QuestionId);
    const { text } = await readJson(c, AnswerBody);
    return c.json(await answerQuestion(deps, { questionId, answererId, text }), 201);
  });
}

async function knownPerson(deps: HttpDeps, idOrRef: string, field: string): Promise<string> {
  const personId = await findPersonId(deps.db, idOrRef);
  if (personId === null) throw new AppError('notFound', `${field}: nobody answers to this id`, field);
  return personId;
}
