/** Gives access: what policy approves at once, each other route group on its own after its decision; then report. */
import {
  condition,
  startChild,
  ParentClosePolicy,
  ChildWorkflowCancellationType,
  setCurrentDetails,
} from '@temporalio/workflow';
import type { PlanCaseResult } from '../activities/plan-case.ts';
import { groupForApproval } from '../domain/approval-groups.ts';
import type { Item, Seat } from '../schemas/item.ts';
import { allOf } from './all-of.ts';
import { approval } from './approval.ts';
import type { CaseDesk } from './case-desk.ts';
import { itemTable } from './details.ts';
import { bookkeeping } from './options.ts';
import { provisionItems, systemIdsOf } from './provision-items.ts';
import { provisionInChild } from './provisioning-child.ts';
import * as wire from './wire.ts';

type ItemsPlan = Extract<PlanCaseResult, { phase: 'items' }>;

/** How often what failed is tried again without anybody asking, and for how long. */
const RETRY_EVERY = '1 day';
const RETRIES_MAX = 30;

interface Failed {
  item: Item;
}

export async function joiner(desk: CaseDesk, firstPlan: ItemsPlan): Promise<{ failedCount: number }> {
  let plan: ItemsPlan | null = firstPlan;
  const failed: Failed[] = [];
  let hasChosen = false;
  while (plan) {
    setCurrentDetails(itemTable(plan.items));
    const choosesProfile: boolean = plan.items.some((item) => item.action === 'assignProfile');
    failed.push(...(await runGroups(desk, plan)));
    // A manager who chose profiles has changed no system yet: what was chosen is planned and routed now.
    plan = choosesProfile && !hasChosen ? await replan(desk) : null;
    hasChosen = true;
  }
  return { failedCount: await retryFailed(desk, firstPlan, failed) };
}

async function replan(desk: CaseDesk): Promise<ItemsPlan | null> {
  const plan = await desk.planWhenDue();
  if (plan?.phase !== 'items') return null;
  // Nothing was chosen: the same questions again would never end.
  return plan.items.some((item) => item.action === 'assignProfile') ? null : plan;
}

async function runGroups(desk: CaseDesk, plan: ItemsPlan): Promise<Failed[]> {
  const decided = new Set(plan.approvedDigests);
  const { policyItems, groups } = groupForApproval(plan.items.filter((item) => !decided.has(item.itemDigest)));
  const ready = [...policyItems, ...plan.items.filter((item) => decided.has(item.itemDigest))];
  const jobs: Promise<Failed[]>[] = [];
  if (ready.length > 0) jobs.push(provisionHere(desk, plan, ready, desk.nextK()));
  for (const group of groups) jobs.push(decideAndProvision(desk, plan, group, desk.nextK()));
  desk.enter(groups.length > 0 ? 'awaitingApproval' : 'provisioning', [
    { key: wire.searchAttributes.UsherKind, value: plan.kind },
    { key: wire.searchAttributes.UsherPolicy, value: plan.policyHash },
    { key: wire.searchAttributes.UsherSystems, value: systemIdsOf(plan.items) },
  ] as never);
  return (await allOf(jobs)).flat();
}

async function decideAndProvision(
  desk: CaseDesk,
  plan: ItemsPlan,
  group: { seats: readonly Seat[]; items: readonly Item[] },
  k: number,
): Promise<Failed[]> {
  const { personId, n } = desk;
  const child = await startChild(approval, {
    workflowId: wire.approvalWorkflowId(personId, n, k),
    taskQueue: wire.queues.cases,
    args: [
      {
        personId,
        n,
        k,
        proposalId: plan.proposalId,
        seats: [...group.seats],
        items: [...group.items],
        remindAfterSeconds: plan.remindAfterSeconds,
        escalateAfterSeconds: plan.escalateAfterSeconds,
        expireAfterSeconds: plan.expireAfterSeconds,
      },
    ],
    typedSearchAttributes: [
      { key: wire.searchAttributes.UsherPersonId, value: personId },
      { key: wire.searchAttributes.UsherCaseId, value: wire.caseWorkflowId(personId, n) },
    ],
    staticSummary: `Approval ${k}`,
    parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
    cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
  });
  const result = await child.result();
  desk.note(
    `group ${k}: ${result.approved.length} approved, ${result.denied.length} denied, ${result.expired.length} expired`,
  );
  const approved = new Set(result.approved);
  const items = group.items.filter((item) => approved.has(item.itemDigest) && item.action !== 'assignProfile');
  if (items.length === 0) return [];
  // The start date may have moved while people decided.
  if (desk.hasNewFacts && (await desk.planWhenDue()) === null) return [];
  return provision(desk, plan, items, k);
}

async function provision(desk: CaseDesk, plan: ItemsPlan, items: readonly Item[], k: number): Promise<Failed[]> {
  const { personId, n } = desk;
  const input = { personId, n, k, items: items.map((item) => toWire(item, plan)) };
  const result = await provisionInChild(input, {
    staticSummary: `Provisioning ${k}: ${items.length} items`,
    parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
  });
  return noteOutcomes(desk, items, k, result);
}

/** In the case itself: what nobody has to decide needs no workflow of its own, and most joiners are nothing else. */
async function provisionHere(desk: CaseDesk, plan: ItemsPlan, items: readonly Item[], k: number): Promise<Failed[]> {
  const { personId, n } = desk;
  const input = { personId, n, k, items: items.map((item) => toWire(item, plan)) };
  return noteOutcomes(desk, items, k, await provisionItems(input, new Map()));
}

function noteOutcomes(
  desk: CaseDesk,
  items: readonly Item[],
  k: number,
  { outcomes }: wire.ProvisioningResult,
): Failed[] {
  const byDigest = new Map<string, Item>(items.map((item) => [item.itemDigest, item]));
  const failed: Failed[] = [];
  for (const { itemDigest, outcome } of outcomes) {
    if (outcome === 'verified') desk.verified.add(itemDigest);
    const item = byDigest.get(itemDigest);
    if (outcome === 'failed' && item) failed.push({ item });
  }
  const verifiedCount = outcomes.filter(({ outcome }) => outcome === 'verified').length;
  desk.note(`group ${k}: ${verifiedCount} of ${items.length} verified`);
  return failed;
}

function toWire(item: Item, plan: ItemsPlan): wire.ProvisioningItem {
  const action = item.action === 'assignProfile' ? 'grant' : item.action;
  return {
    itemDigest: item.itemDigest,
    systemId: item.systemId,
    action,
    isFirst: plan.firstSystemIds.includes(item.systemId),
  };
}

/** What failed stays open under its incident and is tried again each day, or when somebody asks. */
async function retryFailed(desk: CaseDesk, plan: ItemsPlan, failed: Failed[]): Promise<number> {
  let open = failed;
  for (let attempt = 0; attempt < RETRIES_MAX && open.length > 0; attempt += 1) {
    const isWanted = (): boolean => desk.retrySystemIds.size > 0 || desk.isRescinded;
    await condition(isWanted, RETRY_EVERY, { summary: 'next attempt of what failed' });
    if (desk.isRescinded) break;
    const wanted = desk.retrySystemIds.size > 0 ? [...desk.retrySystemIds] : open.map(({ item }) => item.systemId);
    desk.retrySystemIds.clear();
    const now = open.filter(({ item }) => wanted.includes(item.systemId));
    const rest = open.filter((entry) => !now.includes(entry));
    if (now.length === 0) continue;
    const stillFailed = await provision(
      desk,
      plan,
      now.map(({ item }) => item),
      desk.nextK(),
    );
    await closeIncidents(
      desk,
      now.filter((entry) => desk.verified.has(entry.item.itemDigest)),
    );
    open = [...rest, ...stillFailed];
  }
  return open.length;
}

async function closeIncidents(desk: CaseDesk, healed: Failed[]): Promise<void> {
  for (const systemId of new Set(healed.map(({ item }) => item.systemId))) {
    const itemKeys = healed
      .filter(({ item }) => item.systemId === systemId)
      .map(({ item }) => item.itemDigest as string);
    const { personId, n } = desk;
    const incident = { personId, n, systemId, kind: 'itemFailed' as const, itemKeys, errorCode: 'healed' };
    await bookkeeping.closeIncident.executeWithOptions({ summary: `${systemId}: healed` }, [incident]);
  }
}
