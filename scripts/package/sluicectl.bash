# bash completion of sluicectl: commands and options are read from its own --help, so they cannot go out of date.
# Install as /usr/share/bash-completion/completions/sluicectl
# shellcheck shell=bash

_sluicectl_words() { # _sluicectl_words options|commands COMMAND…: as the help of that command lists them
  local what=$1 help
  shift
  help=$("${COMP_WORDS[0]}" "$@" --help 2>/dev/null) || return
  if [ "$what" = options ]; then
    grep -oE -- '--[a-z][a-z-]*' <<<"$help" | sort -u
  else
    sed -n '/^Subcommands:/,/^$/s/^  \([a-z]*\).*/\1/p' <<<"$help"
  fi
}

_sluicectl() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} commands=() i
  for ((i = 1; i < COMP_CWORD; i++)); do
    [[ ${COMP_WORDS[i]} =~ ^[a-z]+$ ]] || continue
    commands+=("${COMP_WORDS[i]}")
    if [[ ${commands[0]} != @(export|referrals|log|receipt) ]] || [ ${#commands[@]} -eq 2 ]; then break; fi
  done
  COMPREPLY=()
  case $before in
    --method) mapfile -t COMPREPLY < <(compgen -W 'dns sni quic http' -- "$word") && return ;;
    --qtype) mapfile -t COMPREPLY < <(compgen -W 'A AAAA HTTPS SVCB ANY TXT MX NS' -- "$word") && return ;;
    --format) mapfile -t COMPREPLY < <(compgen -W 'jsonl text' -- "$word") && return ;;
    bypass | shadow) mapfile -t COMPREPLY < <(compgen -W 'on off' -- "$word") && return ;;
  esac
  if [[ $word == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(_sluicectl_words options "${commands[@]}")" -- "$word")
  elif [ ${#commands[@]} -eq 0 ] || [[ ${commands[*]} = @(export|referrals|log|receipt) ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(_sluicectl_words commands "${commands[@]}")" -- "$word")
  else
    compopt -o default 2>/dev/null || true # file names
  fi
}
complete -F _sluicectl sluicectl
