/** The scripts that teach a shell to complete `usher`. They only ask `usher __complete`, so that a newer Usher needs no new script. */

export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

/** Works from bash 3.2 on. Without a candidate of ours the shell completes files. */
const bash = `# usher completion for bash. Load it with: source <(usher completion bash)
_usher_complete() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    COMPREPLY+=("$line")
  done < <(usher __complete --bash -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _usher_complete usher
`;

const zsh = `#compdef usher
# usher completion for zsh. Load it with: source <(usher completion zsh)
_usher() {
  local -a candidates
  local line value text
  while IFS= read -r line; do
    value="\${line%%$'\\t'*}"
    text=""
    [[ "$line" == *$'\\t'* ]] && text="\${line#*$'\\t'}"
    candidates+=("\${value//:/\\\\:}\${text:+:$text}")
  done < <(usher __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)
  if (( \${#candidates} )); then
    # Ids are found by the name beside them, too: what is typed is then replaced.
    compstate[insert]=menu
    _describe -U 'usher' candidates
  else
    _files
  fi
}
compdef _usher usher
`;

const fish = `# usher completion for fish. Load it with: usher completion fish | source
function __usher_complete
  set -l before (commandline -opc)
  set -l current (commandline -ct)
  usher __complete -- $before[2..-1] "$current" 2>/dev/null
end
complete -c usher -a '(__usher_complete)'
`;

export const completionScripts: Record<Shell, string> = { bash, zsh, fish };
