#compdef aye
# zsh completion for aye: asks `aye __complete` with the words up to the cursor. Made by `aye completions zsh`.

_aye() {
	local -a typed answers closed open
	local answer value
	typed=("${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}")
	answers=("${(@f)$(_call_program words ${words[1]} __complete "${(@q)typed}")}")
	# What is before the = stays.
	if [[ $PREFIX == --*=* ]]; then
		compset -P 1 '*='
		answers=("${(@)answers#--*=}")
	fi
	for answer in "${(@)answers}"; do
		value=${answer%%$'\t'*}
		case $value in
			('') ;;
			(:files) _files ;;
			(:folders) _files -/ ;;
			(:hosts) _hosts ;;
			(:users) _users ;;
			(:command*)
				shift ${value#:command } words
				((CURRENT -= ${value#:command }))
				_normal
				return
				;;
			# _describe takes what is behind a colon for the meaning.
			(*[=:/@]) open+=("${value//:/\\:}:${answer#*$'\t'}") ;;
			(*) closed+=("${value//:/\\:}:${answer#*$'\t'}") ;;
		esac
	done
	((${#closed})) && _describe -t words word closed
	((${#open})) && _describe -t words word open -S ''
}

if [[ $funcstack[1] == _aye ]]; then
	_aye "$@"
else
	compdef _aye aye
fi
