# shellcheck shell=bash
# bash completion for aye: asks `aye __complete` with the words up to the cursor. Made by `aye completions bash`.

# Fills `typed` with the words as they were typed, and `places` with where each begins in COMP_WORDS: bash takes words apart
# at = : and @, too. Uses the caller's variables.
_aye_words() {
	local rest=${COMP_LINE:0:COMP_POINT} trimmed word index
	for ((index = 0; index <= COMP_CWORD; index++)); do
		trimmed=${rest#"${rest%%[![:space:]]*}"}
		word=${COMP_WORDS[index]}
		if ((index == COMP_CWORD)); then word=$trimmed; fi
		if ((index > 0)) && [[ $trimmed == "$rest" ]]; then
			typed[${#typed[@]} - 1]+=$word
		else
			typed+=("$word") places+=("$index")
		fi
		rest=${trimmed#"$word"}
	done
}

# What is in the caller's `typed`, from the second word on, without its quotes.
_aye_ask() {
	local word
	local -a plain=()
	for word in "${typed[@]:1}"; do
		word=${word#[\'\"]} word=${word%[\'\"]}
		plain+=("${word//\\/}")
	done
	# The first word as the shell would take it: ~/bin/aye.
	local program=${typed[0]}
	if [[ $program == \~/* ]]; then program=$HOME${program:1}; fi
	"$program" __complete "${plain[@]}" 2>/dev/null
}

_aye_command() { # INDEX
	local offset=${places[$1]:-$COMP_CWORD}
	if declare -F _comp_command_offset >/dev/null; then
		_comp_command_offset "$offset"
	elif declare -F _command_offset >/dev/null; then
		_command_offset "$offset"
	elif ((offset == COMP_CWORD)); then
		mapfile -t COMPREPLY < <(compgen -c -- "${COMP_WORDS[COMP_CWORD]}")
	else
		compopt -o default
	fi
}

_aye() {
	local -a typed=() places=() found=()
	local current strip='' answer value
	COMPREPLY=()
	_aye_words
	current=${typed[${#typed[@]} - 1]}
	# readline replaces from the last of these on, unless a quote is open.
	local breaks=${COMP_WORDBREAKS//[[:space:]\"\']/}
	if [[ $current == [\'\"]* ]]; then
		current=${current:1}
	elif [[ -n $breaks ]]; then
		strip=${current%"${current##*["$breaks"]}"}
	fi
	while IFS= read -r answer; do
		value=${answer%%$'\t'*}
		case $value in
			:files) mapfile -t found < <(compgen -f -- "${current#--*=}") ;;
			:folders) mapfile -t found < <(compgen -d -- "${current#--*=}") ;;
			:hosts) mapfile -t found < <(compgen -A hostname -- "${current#--*=}") ;;
			:users) mapfile -t found < <(compgen -u -- "${current#--*=}") ;;
			:command*)
				_aye_command "${value#:command }"
				return
				;;
			*)
				value=${value#"$strip"}
				# Names of units can have backslashes.
				if [[ $value == *\\* ]]; then printf -v value %q "$value"; fi
				found=("$value")
				;;
		esac
		if [[ $value == :f* ]]; then compopt -o filenames; fi
		COMPREPLY+=("${found[@]}")
	done < <(_aye_ask)
	if ((${#COMPREPLY[@]} == 1)) && [[ ${COMPREPLY[0]} == *[=:/@] ]]; then compopt -o nospace; fi
}

complete -F _aye aye
