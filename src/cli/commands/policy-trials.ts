import type { Command } from 'commander';
import type { CliContext } from '../command-context.ts';
export function policyTrialCommands(_program: Command, _context: CliContext): void {}
