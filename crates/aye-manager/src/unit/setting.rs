//! The names of systemd's settings, so that a warning can tell a setting that is not honoured from a misspelt one.
//!
//! The tables hold what `systemd --dump-configuration-items` of versions 252, 257 and 262 prints for services and sockets.

use super::name::Kind;

/// Settings of `[Unit]`.
const UNIT: &str = "\
    After AllowIsolate AssertACPower AssertArchitecture AssertCPUFeature AssertCPUPressure AssertCPUs \
    AssertCapability AssertControlGroupController AssertCredential AssertDirectoryNotEmpty AssertEnvironment \
    AssertFileIsExecutable AssertFileNotEmpty AssertFirstBoot AssertFraction AssertGroup AssertHost \
    AssertIOPressure AssertKernelCommandLine AssertKernelModuleLoaded AssertKernelVersion AssertMachineTag \
    AssertMemory AssertMemoryPressure AssertNeedsUpdate AssertOSRelease AssertPathExists AssertPathExistsGlob \
    AssertPathIsDirectory AssertPathIsEncrypted AssertPathIsMountPoint AssertPathIsReadWrite AssertPathIsSocket \
    AssertPathIsSymbolicLink AssertSecurity AssertUser AssertVersion AssertVirtualization Before BindTo BindsTo \
    CollectMode ConditionACPower ConditionArchitecture ConditionCPUFeature ConditionCPUPressure ConditionCPUs \
    ConditionCapability ConditionControlGroupController ConditionCredential ConditionDirectoryNotEmpty \
    ConditionEnvironment ConditionFileIsExecutable ConditionFileNotEmpty ConditionFirmware ConditionFirstBoot \
    ConditionFraction ConditionGroup ConditionHost ConditionIOPressure ConditionKernelCommandLine \
    ConditionKernelModuleLoaded ConditionKernelVersion ConditionMachineTag ConditionMemory \
    ConditionMemoryPressure ConditionNeedsUpdate ConditionOSRelease ConditionPathExists ConditionPathExistsGlob \
    ConditionPathIsDirectory ConditionPathIsEncrypted ConditionPathIsMountPoint ConditionPathIsReadWrite \
    ConditionPathIsSocket ConditionPathIsSymbolicLink ConditionSecurity ConditionUser ConditionVersion \
    ConditionVirtualization Conflicts DefaultDependencies Description Documentation FailureAction \
    FailureActionExitStatus IgnoreOnIsolate JobRunningTimeoutSec JobTimeoutAction JobTimeoutRebootArgument \
    JobTimeoutSec JoinsNamespaceOf OnFailure OnFailureIsolate OnFailureJobMode OnSuccess OnSuccessJobMode PartOf \
    PropagateReloadFrom PropagateReloadTo PropagatesReloadTo PropagatesStopTo RebootArgument RefuseManualStart \
    RefuseManualStop ReloadPropagatedFrom Requires RequiresMountsFor RequiresOverridable Requisite \
    RequisiteOverridable SourcePath StartLimitAction StartLimitBurst StartLimitInterval StartLimitIntervalSec \
    StopPropagatedFrom StopWhenUnneeded SuccessAction SuccessActionExitStatus SurviveFinalKillSignal Upholds \
    Wants WantsMountsFor";

/// Settings of `[Install]`, which say how a unit is enabled and nothing about how it runs.
const INSTALL: &str = "\
    Alias Also DefaultInstance RequiredBy UpheldBy WantedBy";

/// Settings of `[Service]` alone.
const SERVICE: &str = "\
    BusName ExecCondition ExecReload ExecReloadPost ExecStart ExecStop ExitType FailureAction \
    FileDescriptorStoreMax FileDescriptorStorePreserve GuessMainPID LUOSession NonBlocking NotifyAccess \
    OOMPolicy OpenFile PIDFile PermissionsStartOnly RebootArgument RefreshOnReload ReloadSignal RemainAfterExit \
    Restart RestartForceExitStatus RestartMaxDelaySec RestartMode RestartPreventExitStatus \
    RestartRandomizedDelaySec RestartSec RestartSteps RootDirectoryStartOnly RuntimeMaxSec \
    RuntimeRandomizedExtraSec Sockets StartLimitAction StartLimitBurst StartLimitInterval SuccessExitStatus \
    TimeoutAbortSec TimeoutStartFailureMode TimeoutStartSec TimeoutStopFailureMode TimeoutStopSec Type \
    USBFunctionDescriptors USBFunctionStrings WatchdogSec";

/// Settings of `[Socket]` alone.
const SOCKET: &str = "\
    Accept AcceptFileDescriptors Backlog BindIPv6Only BindToDevice Broadcast DeferAcceptSec DeferTrigger \
    DeferTriggerMaxSec DirectoryMode ExecStopPre FileDescriptorName FlushPending FreeBind IPTOS IPTTL KeepAlive \
    KeepAliveIntervalSec KeepAliveProbes KeepAliveTimeSec ListenDatagram ListenFIFO ListenMessageQueue \
    ListenNetlink ListenSequentialPacket ListenSpecial ListenStream ListenUSBFunction Mark MaxConnections \
    MaxConnectionsPerSource MessageQueueMaxMessages MessageQueueMessageSize NoDelay PassCredentials \
    PassFileDescriptorsToExec PassPIDFD PassPacketInfo PassSecurity PipeSize PollLimitBurst PollLimitIntervalSec \
    Priority ReceiveBuffer RemoveOnStop ReusePort SELinuxContextFromNet SendBuffer Service SmackLabel \
    SmackLabelIPIn SmackLabelIPOut SocketGroup SocketMode SocketProtocol SocketUser Symlinks TCPCongestion \
    Timestamping Transparent TriggerLimitBurst TriggerLimitIntervalSec Writable XAttrAccept XAttrEntryPoint \
    XAttrListen";

/// Settings of both, about execution, resources and killing.
const PROCESS: &str = "\
    AllowedCPUs AllowedMemoryNodes AmbientCapabilities AppArmorProfile BPFDelegateAttachments \
    BPFDelegateCommands BPFDelegateMaps BPFDelegatePrograms BPFProgram BindLogSockets BindNetworkInterface \
    BindPaths BindReadOnlyPaths BlockIOAccounting BlockIODeviceWeight BlockIOReadBandwidth BlockIOWeight \
    BlockIOWriteBandwidth CPUAccounting CPUAffinity CPUPressureThresholdSec CPUPressureWatch CPUQuota \
    CPUQuotaPeriodSec CPUSchedulingPolicy CPUSchedulingPriority CPUSchedulingResetOnFork CPUSetPartition \
    CPUShares CPUWeight CacheDirectory CacheDirectoryAccounting CacheDirectoryMode CacheDirectoryQuota \
    CapabilityBoundingSet ConfigurationDirectory ConfigurationDirectoryMode CoredumpFilter CoredumpReceive \
    DefaultMemoryLow DefaultMemoryMin DefaultStartupMemoryLow Delegate DelegateNamespaces DelegateSubgroup \
    DeviceAllow DevicePolicy DisableControllers DynamicUser Environment EnvironmentFile ExecPaths ExecSearchPath \
    ExecStartPost ExecStartPre ExecStopPost ExtensionDirectories ExtensionImagePolicy ExtensionImages \
    FinalKillSignal Group IOAccounting IODeviceLatencyTargetSec IODeviceWeight IOPressureThresholdSec \
    IOPressureWatch IOReadBandwidthMax IOReadIOPSMax IOSchedulingClass IOSchedulingPriority IOWeight \
    IOWriteBandwidthMax IOWriteIOPSMax IPAccounting IPAddressAllow IPAddressDeny IPCNamespacePath \
    IPEgressFilterPath IPIngressFilterPath IgnoreSIGPIPE ImportCredential InaccessibleDirectories \
    InaccessiblePaths KeyringMode KillMode KillSignal LimitAS LimitCORE LimitCPU LimitDATA LimitFSIZE LimitLOCKS \
    LimitMEMLOCK LimitMSGQUEUE LimitNICE LimitNOFILE LimitNPROC LimitRSS LimitRTPRIO LimitRTTIME LimitSIGPENDING \
    LimitSTACK LoadCredential LoadCredentialEncrypted LockPersonality LogExtraFields LogFilterPatterns \
    LogLevelMax LogNamespace LogRateLimitBurst LogRateLimitIntervalSec LogsDirectory LogsDirectoryAccounting \
    LogsDirectoryMode LogsDirectoryQuota ManagedOOMMemoryPressure ManagedOOMMemoryPressureDurationSec \
    ManagedOOMMemoryPressureLimit ManagedOOMPreference ManagedOOMSwap MemoryAccounting MemoryDenyWriteExecute \
    MemoryHigh MemoryKSM MemoryLimit MemoryLow MemoryMax MemoryMin MemoryPressureThresholdSec \
    MemoryPressureWatch MemorySwapMax MemoryTHP MemoryZSwapMax MemoryZSwapWriteback MountAPIVFS MountFlags \
    MountImagePolicy MountImages NFTSet NUMAMask NUMAPolicy NetworkNamespacePath Nice NoExecPaths \
    NoNewPrivileges OOMRules OOMScoreAdjust PAMName PassEnvironment Personality PrivateBPF PrivateDevices \
    PrivateIPC PrivateMounts PrivateNetwork PrivatePIDs PrivateTmp PrivateUsers ProcSubset ProtectClock \
    ProtectControlGroups ProtectHome ProtectHostname ProtectKernelLogs ProtectKernelModules \
    ProtectKernelTunables ProtectProc ProtectSystem ReadOnlyDirectories ReadOnlyPaths ReadWriteDirectories \
    ReadWritePaths RemoveIPC RestartKillSignal RestrictAddressFamilies RestrictFileSystems RestrictNamespaces \
    RestrictNetworkInterfaces RestrictRealtime RestrictSUIDSGID RootDirectory RootEphemeral RootHash \
    RootHashSignature RootImage RootImageOptions RootImagePolicy RootMStack RootVerity RuntimeDirectory \
    RuntimeDirectoryMode RuntimeDirectoryPreserve SELinuxContext SecureBits SendSIGHUP SendSIGKILL SetCredential \
    SetCredentialEncrypted SetLoginEnvironment Slice SmackProcessLabel SocketBindAllow SocketBindDeny \
    StandardError StandardInput StandardInputData StandardInputText StandardOutput StartupAllowedCPUs \
    StartupAllowedMemoryNodes StartupBlockIOWeight StartupCPUShares StartupCPUWeight StartupIOWeight \
    StartupMemoryHigh StartupMemoryLow StartupMemoryMax StartupMemorySwapMax StartupMemoryZSwapMax \
    StateDirectory StateDirectoryAccounting StateDirectoryMode StateDirectoryQuota SupplementaryGroups \
    SyslogFacility SyslogIdentifier SyslogLevel SyslogLevelPrefix SystemCallArchitectures SystemCallErrorNumber \
    SystemCallFilter SystemCallLog TTYColumns TTYPath TTYReset TTYRows TTYVHangup TTYVTDisallocate \
    TasksAccounting TasksMax TemporaryFileSystem TimeoutCleanSec TimeoutSec TimerSlackNSec UMask \
    UnsetEnvironment User UserNamespacePath UtmpIdentifier UtmpMode WatchdogSignal WorkingDirectory";

/// The sections a unit of this kind has.
pub fn sections(kind: Kind) -> [&'static str; 3] {
    ["Unit", kind.section(), "Install"]
}

/// Whether systemd has this setting in this section.
pub fn is_known(section: &str, key: &str) -> bool {
    names(section).any(|name| name == key)
}

fn names(section: &str) -> impl Iterator<Item = &'static str> {
    let tables = match section {
        "Unit" => [UNIT, ""],
        "Install" => [INSTALL, ""],
        "Service" => [SERVICE, PROCESS],
        "Socket" => [SOCKET, PROCESS],
        _ => ["", ""],
    };
    tables.into_iter().flat_map(str::split_ascii_whitespace)
}

/// Why a setting of a known section has no effect here.
pub fn explain(kind: Kind, section: &str, key: &str) -> String {
    if is_known(section, key) {
        return format!("{key}= is not honoured by aye run");
    }
    if let Some(home) = sections(kind).into_iter().find(|other| is_known(other, key)) {
        return format!("{key}= in [{section}] has no effect: it belongs in [{home}]");
    }
    match names(section).find(|name| are_near(name, key)) {
        Some(name) => format!("unknown setting {key}= in [{section}] (did you mean {name}=?)"),
        None => format!("unknown setting {key}= in [{section}]"),
    }
}

/// Why a whole section has no effect here.
pub fn explain_section(kind: Kind, section: &str) -> String {
    match sections(kind).into_iter().find(|name| are_near(name, section)) {
        Some(name) => format!("unknown section [{section}] (did you mean [{name}]?)"),
        None => format!("section [{section}] has no effect in a .{} unit", kind.suffix()),
    }
}

/// Whether two names differ in case only, or by one character more, less, other or swapped with its neighbour.
fn are_near(one: &str, other: &str) -> bool {
    let (one, other) = (one.to_ascii_lowercase().into_bytes(), other.to_ascii_lowercase().into_bytes());
    let same = one.iter().zip(&other).take_while(|(a, b)| a == b).count();
    let (one, other) = (&one[same..], &other[same..]);
    match (one, other) {
        ([], []) => true,
        ([a, b, one @ ..], [c, d, other @ ..]) if a == d && b == c && one == other => true,
        _ => {
            let rest = |list: &[u8]| list.get(1..).map(<[u8]>::to_vec);
            rest(one) == rest(other)
                || rest(one).as_deref() == Some(other)
                || rest(other).as_deref() == Some(one)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unit::testing::tool;

    #[test]
    fn tells_unknown_misplaced_and_dishonoured_settings_apart() {
        let cases = [
            ("Service", "PrivateTmp", "PrivateTmp= is not honoured by aye run"),
            ("Service", "PrivatTmp", "unknown setting PrivatTmp= in [Service] (did you mean PrivateTmp=?)"),
            ("Service", "execstart", "unknown setting execstart= in [Service] (did you mean ExecStart=?)"),
            ("Service", "ExecSatrt", "unknown setting ExecSatrt= in [Service] (did you mean ExecStart=?)"),
            ("Service", "ExecStartt", "unknown setting ExecStartt= in [Service] (did you mean ExecStart=?)"),
            ("Service", "Frobnicate", "unknown setting Frobnicate= in [Service]"),
            ("Unit", "Restart", "Restart= in [Unit] has no effect: it belongs in [Service]"),
            ("Service", "WantedBy", "WantedBy= in [Service] has no effect: it belongs in [Install]"),
        ];
        for (section, key, expected) in cases {
            assert_eq!(explain(Kind::Service, section, key), expected);
        }
    }

    #[test]
    fn tells_unknown_sections_and_those_of_other_kinds_apart() {
        assert_eq!(
            explain_section(Kind::Service, "Servce"),
            "unknown section [Servce] (did you mean [Service]?)"
        );
        assert_eq!(
            explain_section(Kind::Service, "Socket"),
            "section [Socket] has no effect in a .service unit"
        );
    }

    #[test]
    fn nearness_is_one_edit_and_no_more() {
        for (one, other) in
            [("", "a"), ("ab", "ba"), ("abc", "abd"), ("abc", "ac"), ("abc", "abcd"), ("A", "a")]
        {
            assert!(are_near(one, other) && are_near(other, one), "{one} {other}");
        }
        for (one, other) in [("", "ab"), ("abc", "cab"), ("abcd", "badc"), ("abc", "ade")] {
            assert!(!are_near(one, other) && !are_near(other, one), "{one} {other}");
        }
    }

    #[test]
    fn knows_every_setting_of_the_systemd_installed_here() {
        let dump = tool("/lib/systemd/systemd", &["--dump-configuration-items"]);
        let mut section = "";
        let mut unknown = Vec::new();
        let mut seen = 0;
        for line in dump.lines() {
            if let Some(name) = line.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
                section = name;
            } else if let Some((key, _)) = line.split_once('=')
                && ["Unit", "Service", "Socket", "Install"].contains(&section)
            {
                seen += 1;
                unknown.extend((!is_known(section, key)).then(|| format!("[{section}] {key}")));
            }
        }
        assert!(seen > 500, "read only {seen} settings");
        assert_eq!(unknown, Vec::<String>::new());
    }
}
