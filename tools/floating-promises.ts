// SPDX-License-Identifier: Apache-2.0
import { relative, sep } from "node:path";
import ts from "typescript";
import { type CommandResult, workspaceRoot } from "./run-command.ts";
import { forgetWorkspaceProgram, workspaceProgram } from "./workspace-program.ts";

/**
 * Finds promises that nobody waits for: an error in one is lost, and what it does happens at any time. The
 * linter knows the rule but not the types of other files, so this one asks the compiler.
 *
 * `void promise` says that nobody needs to wait; the promise must then handle its own errors.
 */
export function checkFloatingPromises(): Promise<CommandResult> {
  const { program } = workspaceProgram();
  const problems = floatingPromises(program);
  // Of the gates that share it this is the last.
  forgetWorkspaceProgram();
  const output = problems.map((problem) => `${problem}\n`).join("");
  return Promise.resolve({ code: problems.length === 0 ? 0 : 1, output });
}

/** One sentence per floating promise in the files of the workspace. */
export function floatingPromises(program: ts.Program): string[] {
  const checker = program.getTypeChecker();
  const problems: string[] = [];
  const report = (node: ts.Node, sentence: string): void => {
    const source = node.getSourceFile();
    const { line, character } = source.getLineAndCharacterOfPosition(node.getStart(source));
    const path = relative(workspaceRoot, source.fileName).split(sep).join("/");
    problems.push(`${path}:${line + 1}:${character + 1}: ${sentence}`);
  };
  const visit = (node: ts.Node): void => {
    if (ts.isExpressionStatement(node) && floats(checker, node.expression)) {
      report(node, 'nobody waits for this promise; await it, handle its error, or write "void" before it and say why');
    } else if ((ts.isArrowFunction(node) || ts.isFunctionExpression(node)) && isLostByCaller(checker, node)) {
      report(node, "the caller of this function drops the promise it returns; handle its errors inside");
    }
    node.forEachChild(visit);
  };
  for (const source of program.getSourceFiles()) {
    if (!source.isDeclarationFile && !program.isSourceFileFromExternalLibrary(source)) visit(source);
  }
  return problems;
}

function floats(checker: ts.TypeChecker, expression: ts.Expression): boolean {
  const inner = ts.isParenthesizedExpression(expression) ? expression.expression : expression;
  if (inner !== expression) return floats(checker, inner);
  if (ts.isVoidExpression(inner) || ts.isAwaitExpression(inner)) return false;
  if (ts.isBinaryExpression(inner)) {
    // An assignment keeps the promise for somebody; of the other operators the value is one of the operands.
    const { kind } = inner.operatorToken;
    if (kind >= ts.SyntaxKind.FirstAssignment && kind <= ts.SyntaxKind.LastAssignment) return false;
    return floats(checker, inner.right) || floats(checker, inner.left);
  }
  if (ts.isConditionalExpression(inner)) return floats(checker, inner.whenTrue) || floats(checker, inner.whenFalse);
  return isPromise(checker, checker.getTypeAtLocation(inner)) && !handlesItsError(checker, inner);
}

/** `p.catch(f)`, `p.then(f, g)`, and `finally` behind one of them. */
function handlesItsError(checker: ts.TypeChecker, expression: ts.Expression): boolean {
  if (!ts.isCallExpression(expression) || !ts.isPropertyAccessExpression(expression.expression)) return false;
  const { name, expression: receiver } = expression.expression;
  if (name.text === "catch") return expression.arguments.length > 0;
  if (name.text === "then") return expression.arguments.length > 1;
  return name.text === "finally" && !floats(checker, receiver);
}

/** An asynchronous function, given to somebody who expects nothing back. */
function isLostByCaller(checker: ts.TypeChecker, node: ts.ArrowFunction | ts.FunctionExpression): boolean {
  const expected = checker.getContextualType(node)?.getCallSignatures() ?? [];
  if (expected.length === 0) return false;
  const dropped = expected.every((signature) => (signature.getReturnType().flags & ts.TypeFlags.Void) !== 0);
  const own = checker.getSignatureFromDeclaration(node)?.getReturnType();
  return dropped && own !== undefined && isPromise(checker, own);
}

function isPromise(checker: ts.TypeChecker, type: ts.Type): boolean {
  if (type.isUnion()) return type.types.some((part) => isPromise(checker, part));
  if ((type.flags & (ts.TypeFlags.Any | ts.TypeFlags.Unknown)) !== 0) return false;
  const then = checker.getPropertyOfType(checker.getApparentType(type), "then");
  return then !== undefined && checker.getTypeOfSymbol(then).getCallSignatures().length > 0;
}
