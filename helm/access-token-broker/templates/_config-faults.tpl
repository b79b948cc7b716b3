{{/*
What the server would refuse in `config`, beyond what values.schema.json says of each value by itself: a list in JSON. ci/chart/same-verdict.mjs
keeps it equal to the server's own rules.
*/}}
{{- define "access-token-broker.configFaults" -}}
{{- $faults := list -}}
{{- $config := .Values.config -}}
{{- $redis := $config.redis | default dict -}}
{{- $apps := include "access-token-broker.named" $config.apps | fromJsonArray -}}
{{- $clients := include "access-token-broker.named" $config.clients | fromJsonArray -}}

{{- $names := dict -}}
{{- $accounts := dict -}}
{{- $types := dict -}}
{{- range $apps -}}
{{- $app := .name -}}
{{- if hasKey $names .name }}{{ $faults = append $faults (printf "config.apps: the name %s is there twice" .name) }}{{ end -}}
{{- $_ := set $names .name true -}}
{{- $url := .apiBaseUrl | default "https://api.weixin.qq.com" -}}
{{- $holder := list (regexReplaceAll "^https?://([^/]*).*$" $url "${1}") .appId | join " " -}}
{{- $type := .type | default "official_account" -}}
{{- if eq (.provider | default "wechat") "wechat" -}}
{{- if and (hasKey $types $holder) (ne (get $types $holder) $type) -}}
{{- $faults = append $faults (printf "config.apps: the type of %s is not that of another app with the same appId: an AppID is of one type" $app) -}}
{{- end -}}
{{- $_ := set $types $holder $type -}}
{{- if and (eq $type "website") (hasKey . "grant") -}}
{{- $faults = append $faults (printf "config.apps: grant of %s must be left out: an app of type website has no access token" $app) -}}
{{- end -}}
{{- end -}}
{{- $account := list $holder (.grant | default "stable") | join " " -}}
{{- with and (eq (.provider | default "wechat") "wechat") (get $accounts $account) -}}
{{- $faults = append $faults (printf "config.apps: %s and %s have the same appId, host and grant: each fetch of one would kill the other's token; keep one of the two, which several callers can use" . $app) -}}
{{- end -}}
{{- $_ := set $accounts $account .name -}}
{{- $refresh := .refresh | default dict -}}
{{- $timeout := $refresh.upstreamTimeoutSeconds | default 8 -}}
{{- $lease := $refresh.leaseSeconds | default 15 -}}
{{- if lt (subf $lease $timeout) 0.999999999 -}}
{{- $faults = append $faults (printf "config.apps: leaseSeconds of %s must exceed upstreamTimeoutSeconds by at least 1: %v against %v" .name $lease $timeout) -}}
{{- end -}}
{{- $daily := $refresh.dailyBudget | default 200 -}}
{{- if gt (float64 ($refresh.forcedDailyBudget | default 0)) (float64 $daily) -}}
{{- $faults = append $faults (printf "config.apps: forcedDailyBudget of %s must be at most dailyBudget: %v is more than %v" .name $refresh.forcedDailyBudget $daily) -}}
{{- end -}}
{{- end -}}

{{- $ways := dict "config.egress" ($config.egress | default dict) -}}
{{- range $apps }}{{ $_ := set $ways (printf "config.apps: egress of %s" .name) (.egress | default dict) }}{{ end -}}
{{- range $path, $way := $ways -}}
{{- if and (hasKey $way "proxy") $way.proxyFromEnvironment -}}
{{- $faults = append $faults (printf "%s: proxy and proxyFromEnvironment are both set; remove one of them" $path) -}}
{{- end -}}
{{- if and (not (hasKey $way "proxy")) (or (hasKey $way "proxyUsername") (hasKey $way "proxyPassword")) -}}
{{- $faults = append $faults (printf "%s: proxyUsername and proxyPassword are for the proxy that proxy names: set proxy or remove them" $path) -}}
{{- end -}}
{{- end -}}

{{- $callers := dict -}}
{{- $hashes := dict -}}
{{- range $clients -}}
{{- $client := .name -}}
{{- if hasKey $callers $client }}{{ $faults = append $faults (printf "config.clients: the name %s is there twice" $client) }}{{ end -}}
{{- $_ := set $callers $client true -}}
{{- range .keySha256 -}}
{{- if hasKey $hashes (lower .) }}{{ $faults = append $faults (printf "config.clients: a keySha256 of %s is that of %s as well; each caller has keys of its own" $client (get $hashes (lower .))) }}{{ end -}}
{{- $_ := set $hashes (lower .) $client -}}
{{- end -}}
{{- if kindIs "slice" .apps -}}
{{- range .apps -}}
{{- if not (hasKey $names .) }}{{ $faults = append $faults (printf "config.clients: %s names the app %s, which is not in config.apps" $client .) }}{{ end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- $ids := dict -}}
{{- range ($config.encryption | default dict).keys -}}
{{- if hasKey $ids .id }}{{ $faults = append $faults (printf "config.encryption.keys: the id %s is there twice" .id) }}{{ end -}}
{{- $_ := set $ids .id true -}}
{{- end -}}

{{- if $redis -}}
{{- $kinds := list -}}
{{- range list "url" "sentinels" "clusterNodes" }}{{ if hasKey $redis . }}{{ $kinds = append $kinds . }}{{ end }}{{ end -}}
{{- if ne (len $kinds) 1 -}}
{{- $faults = append $faults (printf "config.redis: must have exactly one of url, sentinels and clusterNodes, got %s" (join " and " $kinds | default "none")) -}}
{{- end -}}
{{- if ne (hasKey $redis "sentinels") (hasKey $redis "name") -}}
{{- $faults = append $faults "config.redis: sentinels and name go together: name is what the sentinels call the primary" -}}
{{- end -}}
{{- if and (not (hasKey $redis "sentinels")) (or (hasKey $redis "sentinelUsername") (hasKey $redis "sentinelPassword")) -}}
{{- $faults = append $faults "config.redis: sentinelUsername and sentinelPassword are for sentinels: set sentinels or remove them" -}}
{{- end -}}
{{- end -}}
{{- toJson $faults -}}
{{- end -}}
