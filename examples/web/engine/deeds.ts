/** What a hook's words mean in the game. */

import type { Action, Activity } from "../protocol.ts";

/** What comes of an action. */
export interface Deed {
  activity: Activity;
  /** In a few words. */
  doing: string;
  /** A tool has done what it was to do, or has not. */
  ends?: "done" | "failed";
  /** The agent goes home. */
  leaves?: boolean;
}

/** Tools by what one is at with them; those of the Model Context Protocol are known by their names' last part. */
const TOOLS: Record<string, [Activity, string]> = {
  Read: ["read", "reads"],
  Grep: ["read", "searches"],
  Glob: ["read", "looks for files"],
  LS: ["read", "looks around"],
  NotebookRead: ["read", "reads"],
  Edit: ["write", "edits"],
  MultiEdit: ["write", "edits"],
  Write: ["write", "writes"],
  NotebookEdit: ["write", "edits"],
  Bash: ["run", "runs a command"],
  BashOutput: ["run", "reads output"],
  KillShell: ["run", "stops a command"],
  WebFetch: ["browse", "reads a page"],
  WebSearch: ["browse", "searches the web"],
  Task: ["plan", "hands over a task"],
  Agent: ["plan", "hands over a task"],
  TodoWrite: ["plan", "plans"],
  EnterPlanMode: ["plan", "plans"],
  ExitPlanMode: ["ask", "shows a plan"],
  AskUserQuestion: ["ask", "asks"],
};

/** Returns a tool's name for people. */
export const toolName = ({ tool }: Action): string => tool?.split("__").at(-1) || "a tool";

function tool(action: Action): [Activity, string] {
  const { tool = "", target, says } = action;
  const [activity, verb] = Object.hasOwn(TOOLS, tool) ? TOOLS[tool]! : (["run", `uses ${toolName(action)}`] as const);
  return [activity, says ?? (target === undefined ? verb : `${verb} ${target}`)];
}

/** Returns what an action is; `null` for one that is no part of the game. */
export function deed(action: Action): Deed | null {
  const [activity, doing] = tool(action);
  switch (action.hook) {
    case "PreToolUse":
      return { activity, doing };
    case "PostToolUse":
      return { activity: "think", doing: "thinks", ends: "done" };
    case "PostToolUseFailure":
      return { activity: "think", doing: `${toolName(action)} has failed`, ends: "failed" };
    case "SessionStart":
    case "SubagentStart":
      return { activity: "think", doing: "has come" };
    case "UserPromptSubmit":
      return { activity: "think", doing: "was asked something" };
    case "PermissionRequest":
      return { activity: "ask", doing: `waits for leave to use ${toolName(action)}` };
    case "Notification":
      return { activity: "ask", doing: "waits for somebody" };
    case "PreCompact":
      return { activity: "plan", doing: "sorts its memories" };
    case "Stop":
      return { activity: "rest", doing: "is done", ends: "done" };
    case "StopFailure":
      return { activity: "rest", doing: "has stopped", ends: "failed" };
    case "SubagentStop":
      return { activity: "rest", doing: "is done", ends: "done", leaves: true };
    case "SessionEnd":
      return { activity: "rest", doing: "goes home", leaves: true };
    default:
      return null;
  }
}
