{{- define "mailfleet.fullname" -}}
{{- /* A release may have dots in its name and a digit at its head; a Service may not. */}}
{{- $name := .Release.Name | replace "." "-" }}
{{- if regexMatch "^[0-9]" $name }}{{ $name = printf "r%s" $name }}{{ end }}
{{- if contains .Chart.Name $name }}{{ $name | trunc 50 | trimSuffix "-" }}
{{- else }}{{ printf "%s-%s" $name .Chart.Name | trunc 50 | trimSuffix "-" }}{{ end }}
{{- end }}

{{/* A volume's name, a DNS label, for the name of a Secret or ConfigMap, which may have dots and 253 characters. Takes prefix and name. */}}
{{- define "mailfleet.volume" -}}
{{- $plain := printf "%s-%s" .prefix .name }}
{{- if or (contains "." .name) (gt (len $plain) 63) }}{{ printf "%s-%s" .prefix (sha256sum .name | trunc 16) }}{{ else }}{{ $plain }}{{ end }}
{{- end }}

{{- define "mailfleet.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}{{ .Values.serviceAccount.name | default (include "mailfleet.fullname" .) }}
{{- else }}{{ .Values.serviceAccount.name | default "default" }}{{ end }}
{{- end }}

{{- define "mailfleet.selector" -}}
app.kubernetes.io/name: mailfleet
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{- define "mailfleet.labels" -}}
{{ include "mailfleet.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "mailfleet.image" -}}
{{- if .Values.image.digest }}{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else }}{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{/* What scales workers: keda, hpa or none. */}}
{{- define "mailfleet.scaler" -}}
{{- $kind := .Values.worker.autoscaling.kind }}
{{- if ne $kind "auto" }}{{ $kind }}
{{- else if .Capabilities.APIVersions.Has "keda.sh/v1alpha1" }}keda
{{- else }}hpa{{ end }}
{{- end }}

{{/* The deployments of workers as a JSON list of name, lane and values: one for both lanes, or one for each. */}}
{{- define "mailfleet.workers" -}}
{{- $own := omit .Values.worker "lanes" }}
{{- $groups := list }}
{{- range $lane, $values := .Values.worker.lanes }}
{{- $groups = append $groups (dict "name" (printf "worker-%s" $lane) "lane" $lane "values" (mergeOverwrite (deepCopy $own) ($values | default dict))) }}
{{- end }}
{{- $groups | default (list (dict "name" "worker" "lane" "" "values" $own)) | toJson }}
{{- end }}

{{/* What tells the pods of a deployment of workers from others. Takes one of the list above. */}}
{{- define "mailfleet.workerLabels" -}}
app.kubernetes.io/component: worker
{{- with .lane }}
mailfleet/lane: {{ . }}
{{- end }}
{{- end }}

{{/* What a pod of every role has. Takes root, role (its name) and values (its block). */}}
{{- define "mailfleet.pod" -}}
{{- $root := .root }}
serviceAccountName: {{ include "mailfleet.serviceAccount" $root }}
automountServiceAccountToken: {{ $root.Values.serviceAccount.automountToken }}
enableServiceLinks: false
{{- with $root.Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
terminationGracePeriodSeconds: {{ .values.terminationGracePeriodSeconds | default 30 }}
securityContext:
  runAsNonRoot: true
  runAsUser: 1000
  runAsGroup: 1000
  fsGroup: 1000
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: { type: RuntimeDefault }
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "mailfleet.selector" $root | nindent 8 }}
        app.kubernetes.io/component: {{ .role }}
{{- with .values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
volumes:
  - name: config
    configMap: { name: {{ include "mailfleet.fullname" $root }} }
  {{- range $name := $root.Values.secrets }}
  - name: {{ include "mailfleet.volume" (dict "prefix" "secret" "name" $name) }}
    # Readable by the role's group alone.
    secret: { secretName: {{ $name | quote }}, defaultMode: 0440 }
  {{- end }}
  {{- range $name := $root.Values.files }}
  - name: {{ include "mailfleet.volume" (dict "prefix" "files" "name" $name) }}
    configMap: { name: {{ $name | quote }} }
  {{- end }}
  - name: tmp
    emptyDir: { sizeLimit: 256Mi }
  - name: data
    # With a bucket large messages wait here for their upload; a pod that writes more than the limit is evicted.
    emptyDir: { sizeLimit: {{ $root.Values.blobs.persistence.enabled | ternary "64Mi" $root.Values.blobs.scratchSize | quote }} }
  {{- if $root.Values.blobs.persistence.enabled }}
  - name: blobs
    persistentVolumeClaim:
      claimName: {{ $root.Values.blobs.persistence.existingClaim | default (printf "%s-blobs" (include "mailfleet.fullname" $root)) }}
  {{- end }}
{{- end }}

{{/* Ports of Redis: those of networkPolicy, and those that config.redis names, such as Azure's 6380. */}}
{{- define "mailfleet.redisPorts" -}}
{{- $ports := list }}
{{- range .Values.networkPolicy.redisPorts }}{{ $ports = append $ports (printf "%d" (int .)) }}{{ end }}
{{- range regexFindAll "[A-Za-z0-9\\]]:[0-9]{2,5}" (toJson .Values.config.redis) -1 }}{{ $ports = append $ports (regexFind "[0-9]+$" .) }}{{ end }}
{{- if .Values.config.redis.sentinels }}{{ $ports = append $ports "26379" }}{{ end }}
{{- $ports | uniq | join "," }}
{{- end }}

{{/* What a container of every role has. Takes root, role and values. */}}
{{- define "mailfleet.container" -}}
{{- $root := .root -}}
name: {{ .role }}
image: {{ include "mailfleet.image" $root }}
imagePullPolicy: {{ $root.Values.image.pullPolicy }}
args: [{{ .role }}, --config, /etc/mailfleet/mailfleet.yaml]
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: { drop: [ALL] }
resources: {{- toYaml .values.resources | nindent 2 }}
volumeMounts:
  - { name: config, mountPath: /etc/mailfleet/mailfleet.yaml, subPath: mailfleet.yaml, readOnly: true }
  {{- range $name := $root.Values.secrets }}
  - { name: {{ include "mailfleet.volume" (dict "prefix" "secret" "name" $name) }}, mountPath: {{ printf "/etc/mailfleet/secrets/%s" $name | quote }}, readOnly: true }
  {{- end }}
  {{- range $name := $root.Values.files }}
  - { name: {{ include "mailfleet.volume" (dict "prefix" "files" "name" $name) }}, mountPath: {{ printf "/etc/mailfleet/files/%s" $name | quote }}, readOnly: true }
  {{- end }}
  - { name: tmp, mountPath: /tmp }
  - { name: data, mountPath: /data }
  {{- if $root.Values.blobs.persistence.enabled }}
  - { name: blobs, mountPath: /blobs }
  {{- end }}
{{- end }}

{{/* Variables of every role. */}}
{{- define "mailfleet.env" -}}
- { name: MAILFLEET_DATA_DIR, value: /data }
- { name: MAILFLEET_METRICS_LISTEN, value: {{ .Values.metrics.listen | quote }} }
{{- if .Values.blobs.persistence.enabled }}
- { name: MAILFLEET_BLOBS_DIR, value: /blobs }
{{- end }}
{{- /* With TLS of its own browsers come without a proxy, and what they say of their address is not to be believed. */}}
{{- if and .Values.console.enabled .Values.console.trustedProxies (not (.Values.config.console).trustedProxies) (not (.Values.config.console).tls) }}
- { name: MAILFLEET_CONSOLE_TRUSTED_PROXIES, value: {{ join "," .Values.console.trustedProxies | quote }} }
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Probes by /healthz and /readyz of the metrics' address. Node reads its sources at the start, which a small share of a core draws out. */}}
{{- define "mailfleet.probes" -}}
startupProbe:
  httpGet: { path: /healthz, port: metrics }
  periodSeconds: 2
  failureThreshold: 60
livenessProbe:
  httpGet: { path: /healthz, port: metrics }
  periodSeconds: 20
  timeoutSeconds: 5
  failureThreshold: 3
readinessProbe:
  httpGet: { path: /readyz, port: metrics }
  periodSeconds: 10
  timeoutSeconds: 5
{{- end }}

{{/* A pod's labels and annotations; a changed configuration rolls the pods. Takes root, role and values. */}}
{{- define "mailfleet.podMetadata" -}}
labels:
  {{- include "mailfleet.labels" .root | nindent 2 }}
  app.kubernetes.io/component: {{ .role }}
  {{- with .lane }}
  mailfleet/lane: {{ . }}
  {{- end }}
  {{- with .values.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
annotations:
  checksum/config: {{ toYaml .root.Values.config | sha256sum }}
  {{- with .values.podAnnotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
